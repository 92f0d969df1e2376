package import Diffusion
package import Farm

/// The real engine: one cascade's networks in memory at a time.
final class DiffusionStages: StageRunning {
    private let cascades: [ModelKey: Cascade]
    private let threads: Int
    private var runner: (key: ModelKey, stages: StageRunner)?

    init(models: ModelShelf, threads: Int) {
        cascades = models.cascades
        self.threads = threads
    }

    func run(
        _ task: StageTask, onStep: (_ step: Int, _ steps: Int) -> Bool
    ) throws(StageFailure) -> StageOutput {
        let assignment = task.assignment
        let runner = try stages(for: assignment.model)
        do {
            let result = try runner.run(
                stage: assignment.stage.text, request: RenderRequest(assignment.request), input: task.input
            ) { progress throws(StageInterruption) in
                if !onStep(progress.step, progress.steps) { throw StageInterruption() }
            }
            return StageOutput(
                blob: result.blob, warnings: result.warnings, seconds: result.seconds,
                loadSeconds: result.loadSeconds)
        } catch .interrupted {
            throw .interrupted
        } catch {
            throw .failed(error.description)
        }
    }

    private func stages(for key: ModelKey) throws(StageFailure) -> StageRunner {
        if let runner, runner.key == key { return runner.stages }
        runner = nil  // before the next model loads: two may not fit
        guard let cascade = cascades[key] else { throw .failed("The worker does not have the model \(key).") }
        do {
            let stages = try StageRunner(cascade: cascade, threads: threads)
            runner = (key, stages)
            return stages
        } catch {
            throw .failed("\(error)")
        }
    }
}

extension RenderRequest {
    /// The farm's request in the engine's words.
    package init(_ request: ImageRequest) {
        var steps: [String: Int] = [:]
        for entry in request.options.steps { steps[entry.stage.text] = entry.steps }
        let precision: Precision =
            switch request.options.precision {
            case .exact: .exact
            case .fast: .fast
            }
        self.init(
            prompt: request.prompt, seed: request.seed, size: request.options.size, steps: steps,
            guidance: request.options.guidance, precision: precision)
    }
}
