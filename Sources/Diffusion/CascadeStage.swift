import TensorEngine

/// A stage of a model folder: its networks' settings, its sampler and its defaults.
package struct CascadeStage: Sendable, Hashable {
    /// What the stage runs, with its sizes.
    package enum Network: Sendable, Hashable {
        case prior(PriorConfig)
        case decoder(UNetConfig)
        /// `last`: settings of the network of the final step, where that is another.
        case superResolution(UNetConfig, last: UNetConfig?)
    }

    /// Name and defaults.
    package let description: StageDescription
    /// Kind and sizes of its network.
    package let network: Network
    /// Folder of the network's weights.
    package let component: String
    /// Folder of the weights of the final step's network; nil where it is the same.
    package let lastComponent: String?
    /// Its sampler.
    package let scheduler: UnCLIPScheduler
    /// Folder of the sampler's settings.
    package let schedulerComponent: String

    /// Folders of the weights of its own networks.
    var components: [String] { [component] + (lastComponent.map { [$0] } ?? []) }
}
