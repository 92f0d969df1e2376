import TensorEngine
import Testing

@Suite struct KernelPathTests {
    @Test func anUnsetVariableTakesTheBestPath() throws {
        #expect(try KernelPath.chosen(environment: [:]) == .best)
        #expect(try KernelPath.chosen(environment: ["TESSERA_KERNELS": ""]) == .best)
        #expect(KernelPath.best.isAvailable)
    }

    @Test func portableIsAlwaysThere() throws {
        #expect(try KernelPath.chosen(environment: ["TESSERA_KERNELS": "portable"]) == .portable)
    }

    @Test func anUnknownWordIsRefusedByName() {
        #expect(throws: EngineError.unknownPath("sse9")) {
            try KernelPath.chosen(environment: ["TESSERA_KERNELS": "sse9"])
        }
        #expect(EngineError.unknownPath("sse9").description.contains("portable, avx2, avx512"))
    }

    @Test(arguments: KernelPath.allCases) func aPathRunsOrIsRefused(path: KernelPath) throws {
        if path.isAvailable {
            #expect(try ComputeContext(threads: 1, path: path).path == path)
        } else {
            #expect(throws: EngineError.unavailablePath(path)) { try ComputeContext(threads: 1, path: path) }
        }
    }

    @Test(arguments: [0, -1, 257]) func anImpossibleThreadCountIsRefused(threads: Int) {
        #expect(throws: EngineError.threads(threads)) { try ComputeContext(threads: threads) }
    }
}
