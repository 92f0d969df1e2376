package import Farm

/// What the engine thread is given: one stage of one image.
package struct StageTask: Sendable {
    /// Model, stage, request.
    package let assignment: Assignment
    /// The farm that gave it.
    package let farm: FarmID
    /// The former stage's blob; nil for the first stage.
    package let input: [UInt8]?
}

/// What a stage gave.
package struct StageOutput: Sendable {
    /// A safetensors file.
    package var blob: [UInt8]
    /// What the user should know, in sentences.
    package var warnings: [String]
    /// Seconds of computing.
    package var seconds: Double
    /// Seconds of loading weights, not part of `seconds`.
    package var loadSeconds: Double

    /// A stage's result; times in seconds.
    package init(blob: [UInt8], warnings: [String], seconds: Double, loadSeconds: Double) {
        self.blob = blob
        self.warnings = warnings
        self.seconds = seconds
        self.loadSeconds = loadSeconds
    }
}

/// Why a stage gave nothing.
package enum StageFailure: Error, Hashable, Sendable {
    /// `onStep` said to stop.
    case interrupted
    /// It failed; the sentence is for people.
    case failed(String)
    /// It is done and its result could not be kept on this machine; the sentence is for people.
    case notKept(String)
}

/// Computes stages. Made and used on the engine thread alone.
package protocol StageRunning: AnyObject {
    /// Computes one stage.
    ///
    /// - Parameter onStep: called after each denoising step with the steps done and the steps in all; false
    ///   stops.
    func run(
        _ task: StageTask, onStep: (_ step: Int, _ steps: Int) -> Bool
    ) throws(StageFailure) -> StageOutput
}
