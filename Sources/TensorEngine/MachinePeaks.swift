import CKernels

/// What this machine can do at most on a context's threads and kernel path, measured.
package struct MachinePeaks: Sendable, Codable {
    /// 10⁹ f32 operations a second, a fused multiply-add counted as two.
    package let f32Gflops: Double
    /// 10⁹ operations a second on fast mode's 16-bit integers, a multiply-add counted as two.
    package let integerGops: Double
    /// 10⁹ bytes a second read from memory past all caches.
    package let readGigabytesPerSecond: Double

    /// Takes two seconds.
    package init(context: ComputeContext) {
        f32Gflops = ck_measure_fma_peak(context.kernels, 0.5)
        integerGops = ck_measure_integer_peak(context.kernels, 0.5)
        readGigabytesPerSecond = ck_measure_read_bandwidth(context.kernels, 0.5)
        context.trim()
    }
}
