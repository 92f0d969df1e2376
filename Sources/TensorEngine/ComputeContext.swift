import CKernels

/// Where tensors live and operations run: a pool of threads, a kernel path and memory for reuse.
///
/// It belongs to one thread, and so do its tensors; the operations spread their own work over the pool.
///
///     let context = try ComputeContext(threads: 2)
///     let map = context.map(images: 1, height: 64, width: 64, channels: 32)
package final class ComputeContext {
    package let path: KernelPath
    package let threads: Int
    /// Records operations when set; nil (and free) by default.
    package var profiler: Profiler?

    /// Whether layers multiply 16-bit integers where `FastRule` says that it pays.
    package var isFast = false

    /// Floats of a tensor from which on memory is worth more than a copy and the system's work: networks keep
    /// no second use in mind for it, its memory goes back at once, and the kernels' scratch memory before it.
    package var largeTensor: Int {
        get { buffers.largeTensor }
        set { buffers.largeTensor = newValue }
    }

    let buffers = BufferPool()
    private let pool: OpaquePointer

    /// - Parameter path: nil follows `TESSERA_KERNELS`, or takes the machine's best.
    /// - Throws: `EngineError`, where the path or the number of threads cannot be had.
    package init(threads: Int, path: KernelPath? = nil) throws(EngineError) {
        let path = if let path { path } else { try KernelPath.chosen() }
        guard path.isAvailable else { throw .unavailablePath(path) }
        guard (1...256).contains(threads), let pool = ck_pool_create(Int32(threads)) else {
            throw .threads(threads)
        }
        self.path = path
        self.threads = threads
        self.pool = pool
    }

    deinit { ck_pool_destroy(pool) }

    var kernels: ck_context { ck_context(pool: pool, path: path.code) }

    /// Buffers asked of the system so far; constant while a loop reuses its memory.
    package var allocations: Int { buffers.allocations }

    /// Most bytes of tensor memory held since `trim`, in use or kept for reuse.
    package var tensorBytes: Int { buffers.mostBytes }

    /// Gives memory kept for reuse back to the system.
    package func trim() {
        buffers.trim()
        ck_pool_trim(pool)
    }

    /// A new map of unknown content.
    package func map(images: Int, height: Int, width: Int, channels: Int, isPadded: Bool = false) -> Tensor {
        let count = Tensor.floats(
            images: images, height: height, width: width, pixelStride: channels, isPadded: isPadded)
        if count >= largeTensor { ck_pool_trim(pool) }
        return Tensor(
            images: images, height: height, width: width, channels: channels, pixelStride: channels,
            isPadded: isPadded, storage: buffers.take(count: count), offset: 0)
    }

    /// A new matrix of unknown content: `images` of `rows` × `channels`.
    package func matrix(images: Int = 1, rows: Int, channels: Int) -> Tensor {
        map(images: images, height: 1, width: rows, channels: channels)
    }

    /// A matrix with these values, row by row.
    package func matrix(images: Int = 1, rows: Int, channels: Int, values: [Float]) -> Tensor {
        let matrix = matrix(images: images, rows: rows, channels: channels)
        matrix.assign(values)
        return matrix
    }

    /// Runs `body`, and tells the profiler what it was when one is set.
    func measured(_ operation: @autoclosure () -> Profiler.Operation, _ body: () -> Void) {
        guard let profiler else { return body() }
        let start = ContinuousClock.now
        body()
        profiler.add(operation(), since: start)
    }
}
