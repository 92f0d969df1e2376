import TensorEngine

/// A stage of a model folder: its networks' settings, its sampler and its defaults.
package struct CascadeStage: Sendable, Hashable {
    package enum Network: Sendable, Hashable {
        case prior(PriorConfig)
        case decoder(UNetConfig)
        /// `last`: settings of the network of the final step, where that is another.
        case superResolution(UNetConfig, last: UNetConfig?)
    }

    package let description: StageDescription
    package let network: Network
    /// Folder of the network's weights.
    package let component: String
    /// Folder of the weights of the final step's network; nil where it is the same.
    package let lastComponent: String?
    package let scheduler: UnCLIPScheduler
    /// Folder of the sampler's settings.
    package let schedulerComponent: String

    /// Folders that the stage reads weights from.
    var components: [String] { [component] + (lastComponent.map { [$0] } ?? []) }
}
