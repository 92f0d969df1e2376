extension RenderRequest {
    /// The most bytes that a prompt may have in UTF-8.
    package static let maximumPromptBytes = 64 << 10
    /// Steps that a stage can be asked for. Its sampler may allow fewer.
    package static let allowedSteps = 2...1000
    /// Guidance that can be asked for.
    package static let allowedGuidance = 0.0...50.0

    /// Checks the request against a cascade of which only the description is known.
    package func check(for cascade: CascadeDescription) throws(CascadeError) {
        guard prompt.utf8.count <= Self.maximumPromptBytes else {
            throw .promptTooLong(bytes: prompt.utf8.count)
        }
        guard !prompt.utf8.contains(0) else { throw .promptHasNull }
        _ = try cascade.stages(forSize: size)
        for (stage, steps) in steps.sorted(by: { $0.key < $1.key }) {
            guard cascade.stages.contains(where: { $0.name == stage }) else {
                throw .unknownStage(stage, model: cascade.name, known: cascade.stages.map(\.name))
            }
            guard Self.allowedSteps.contains(steps) else {
                throw .steps(steps, stage: stage, allowed: Self.allowedSteps)
            }
        }
        if let guidance {
            // NaN is in no range.
            guard Self.allowedGuidance.contains(guidance) else { throw .guidance(guidance) }
        }
    }

    /// Checks the request against a cascade and its samplers.
    package func check(for cascade: Cascade) throws(CascadeError) {
        try check(for: cascade.description)
        for (name, steps) in steps.sorted(by: { $0.key < $1.key }) {
            guard let stage = cascade.stage(name), !stage.scheduler.allowedSteps.contains(steps) else {
                continue
            }
            throw .steps(steps, stage: name, allowed: stage.scheduler.allowedSteps)
        }
    }

    /// Steps of `stage` for this request.
    package func steps(of stage: StageDescription) -> Int { steps[stage.name] ?? stage.steps }
}
