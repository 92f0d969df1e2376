import TensorEngine

/// Reads every weight of a model and builds every network, to find what a first look does not: tensors that
/// are missing or have the wrong shape, and values that are not finite numbers.
///
///     let verification = ModelVerification(try Cascade(folder: "weights/emoji"))
///     for problem in verification.problems { print(problem) }
package struct ModelVerification: Sendable, Hashable {
    /// Tensors read.
    package private(set) var tensors = 0
    /// Numbers in them.
    package private(set) var values = 0
    /// Everything that is wrong, by component.
    package private(set) var problems: [ModelError] = []

    /// Takes as long as reading all weights.
    package init(_ cascade: Cascade) {
        for component in cascade.components {
            do {
                try read(cascade.weights(of: component))
            } catch {
                problems.append(error)
            }
        }
        // A new set of networks each time, so that only one is in memory.
        collect { () throws(ModelError) in _ = try StageNetworks(cascade: cascade).tower() }
        collect { () throws(ModelError) in _ = try StageNetworks(cascade: cascade).projection() }
        for stage in cascade.stages {
            collect { () throws(ModelError) in try Self.build(stage, StageNetworks(cascade: cascade)) }
            guard case .superResolution(_, let last?) = stage.network, let component = stage.lastComponent
            else { continue }
            collect { () throws(ModelError) in
                _ = try StageNetworks(cascade: cascade).upscaler(component, last)
            }
        }
    }

    private static func build(_ stage: CascadeStage, _ networks: StageNetworks) throws(ModelError) {
        switch stage.network {
        case .prior(let config): _ = try networks.prior(stage.component, config)
        case .decoder(let config): _ = try networks.decoder(stage.component, config)
        case .superResolution(let config, _): _ = try networks.upscaler(stage.component, config)
        }
    }

    private mutating func read(_ weights: ComponentWeights) throws(ModelError) {
        for name in weights.names {
            // Tensors of other types, such as position ids, take no part in the networks.
            guard let entry = weights.entry(name), [.f32, .f16, .bf16].contains(entry.type) else { continue }
            let floats = try weights.floats(name)
            tensors += 1
            values += floats.count
            let broken = floats.count { !$0.isFinite }
            if broken > 0 {
                problems.append(.notFinite(file: weights.path(of: name), tensor: name, count: broken))
            }
        }
    }

    private mutating func collect(_ body: () throws(ModelError) -> Void) {
        do {
            try body()
        } catch {
            problems.append(error)
        }
    }
}
