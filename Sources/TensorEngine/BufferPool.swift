import Glibc

/// Memory of a tensor: aligned floats that go back to their pool when the last tensor over them is gone.
final class Storage {
    let pointer: UnsafeMutablePointer<Float>
    /// Floats.
    let capacity: Int
    private let pool: BufferPool?

    /// Floats that belong to one owner for good, such as packed weights.
    init(count: Int) {
        capacity = max(count, 1)
        pointer = BufferPool.allocate(count: capacity)
        pool = nil
    }

    fileprivate init(pointer: UnsafeMutablePointer<Float>, capacity: Int, pool: BufferPool) {
        self.pointer = pointer
        self.capacity = capacity
        self.pool = pool
    }

    deinit {
        if let pool {
            pool.giveBack(.init(pointer: pointer, capacity: capacity))
        } else {
            free(pointer)
        }
    }
}

/// Buffers kept for reuse, so that a sampling loop allocates nothing after its first step.
final class BufferPool {
    struct Block {
        let pointer: UnsafeMutablePointer<Float>
        let capacity: Int
    }

    private static let hugePage = 2 << 20
    private static let cacheLine = 64

    /// Blocks asked of the system so far.
    private(set) var allocations = 0
    /// Bytes now held, used or free.
    private(set) var bytes = 0
    /// Sorted by capacity.
    private var unused: [Block] = []

    deinit {
        for block in unused { free(block.pointer) }
    }

    /// At least `count` floats: the smallest unused block that wastes less than half of itself, else a new one.
    func take(count: Int) -> Storage {
        let wanted = max(count, 16)
        if let index = unused.firstIndex(where: { $0.capacity >= wanted }),
            unused[index].capacity <= wanted + wanted / 2 + 4096
        {
            let block = unused.remove(at: index)
            return Storage(pointer: block.pointer, capacity: block.capacity, pool: self)
        }
        allocations += 1
        bytes += wanted * MemoryLayout<Float>.stride
        return Storage(pointer: Self.allocate(count: wanted), capacity: wanted, pool: self)
    }

    /// Gives unused blocks back to the system.
    func trim() {
        for block in unused {
            bytes -= block.capacity * MemoryLayout<Float>.stride
            free(block.pointer)
        }
        unused.removeAll()
    }

    fileprivate func giveBack(_ block: Block) {
        let index = unused.firstIndex { $0.capacity >= block.capacity } ?? unused.endIndex
        unused.insert(block, at: index)
    }

    fileprivate static func allocate(count: Int) -> UnsafeMutablePointer<Float> {
        let bytes = count * MemoryLayout<Float>.stride
        let isLarge = bytes >= 2 * hugePage
        var pointer: UnsafeMutableRawPointer?
        let status = posix_memalign(&pointer, isLarge ? hugePage : cacheLine, bytes)
        guard status == 0, let pointer else {
            fatalError("The system has no memory left for a buffer of \(bytes) bytes.")
        }
        if isLarge { madvise(pointer, bytes, 14 /* MADV_HUGEPAGE: Glibc's overlay leaves it out */) }
        return pointer.bindMemory(to: Float.self, capacity: count)
    }
}
