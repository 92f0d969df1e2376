import TensorEngine
import Testing

@Suite struct KernelBenchmarkTests {
    private func row(_ milliseconds: Double, _ gflops: Double) -> KernelBenchmark.Row {
        KernelBenchmark.Row(
            name: "product", milliseconds: milliseconds, gflops: gflops, shareOfPeak: gflops / 100,
            gigabytesPerSecond: 0)
    }

    @Test(arguments: [([3, 1, 2], 2), ([4, 1, 2, 3], 2.5), ([7], 7)] as [([Double], Double)])
    func takesEachColumnsMedian(milliseconds: [Double], median: Double) {
        let rows = KernelBenchmark.medians(milliseconds.map { [row($0, 100 - $0)] })
        #expect(rows.map(\.name) == ["product"])
        #expect(rows.map(\.milliseconds) == [median])
        #expect(rows.map(\.gflops) == [100 - median])
    }

    @Test func hasNoMediansOfNothing() {
        #expect(KernelBenchmark.medians([]).isEmpty)
    }
}
