package import TensorEngine

/// A sampling loop's position, reported after each step.
package struct StepProgress: Sendable, Hashable {
    /// Steps done, from 1.
    package let step: Int
    package let steps: Int

    package init(step: Int, steps: Int) {
        self.step = step
        self.steps = steps
    }
}

/// Thrown by a progress callback to end a stage early.
package struct StageInterruption: Error, Hashable, CustomStringConvertible {
    package init() {}

    package var description: String { "The stage was interrupted." }
}

/// What a stage made.
package struct StageResult: Sendable {
    /// A safetensors file: the prior's "image_embeds" [1, embedding]; other stages' "image" [1, 3, size,
    /// size], f32 NCHW in −1…1.
    package let blob: [UInt8]
    /// What the user should know, in full sentences.
    package let warnings: [String]
    /// Duration of the stage without `loadSeconds`.
    package let seconds: Double
    /// Duration of opening weights; 0 when they were open.
    package let loadSeconds: Double
}

/// Why a stage made nothing.
package enum StageError: Error, CustomStringConvertible {
    /// The progress callback ended it.
    case interrupted
    /// The model's files are at fault.
    case model(ModelError)
    /// The machine cannot run the engine as asked.
    case engine(EngineError)
    /// The model has no stage of this name.
    case unknownStage(String, known: [String])
    /// The stage follows another, whose result was not given.
    case missingInput(stage: String)
    /// The former stage's result is not what this stage reads.
    case badInput(stage: String, reason: String)
    /// A step's numbers have no meaning, and would be black pixels in the end.
    case notFinite(stage: String, step: Int)
    /// The request's steps cannot be sampled.
    case steps(stage: String, Int, allowed: ClosedRange<Int>)

    package var description: String {
        switch self {
        case .interrupted: StageInterruption().description
        case .model(let error): error.description
        case .engine(let error): error.description
        case .unknownStage(let name, let known):
            "The model has no stage \(name); its stages are \(known.joined(separator: ", "))."
        case .missingInput(let stage):
            "Stage \(stage) needs the result of the stage before it; run that one first."
        case .badInput(let stage, let reason):
            "Stage \(stage) cannot use the result of the stage before it: \(reason)."
        case .notFinite(let stage, let step):
            "Stage \(stage) computed numbers that are not finite in step \(step): "
                + "the model's weights are damaged. `tessera models verify` names the file."
        case .steps(let stage, let steps, let allowed):
            "Stage \(stage) cannot run \(steps) steps; use \(allowed.lowerBound) to \(allowed.upperBound)."
        }
    }
}
