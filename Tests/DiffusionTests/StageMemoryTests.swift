import Diffusion
import TensorEngine
import Testing

@Suite struct StageMemoryTests {
    /// What is estimated from a network's sizes holds what its tensors take, and not many times that.
    @Test func theEstimateHoldsWhatIsMeasured() throws {
        let cascade = try TestModel.cascade()
        for stage in cascade.stages {
            let runner = try StageRunner(cascade: cascade, threads: 2)
            let measured = try StageBenchmark(runner: runner).run(stage, steps: 1).tensorBytes
            let estimate = stage.tensorBytes
            let name = stage.description.name
            #expect(estimate >= measured && estimate <= 2 * measured, "\(name): \(measured)")
            let weights = try cascade.weights(of: stage.component).files.reduce(0) { $0 + $1.byteCount }
            #expect(cascade.memoryBytes(of: stage) >= weights + estimate)
        }
    }
}
