import Glibc

/// Memory of a tensor: aligned floats that go back to their pool when the last tensor over them is gone.
final class Storage {
    let pointer: UnsafeMutablePointer<Float>
    private let range: Range<Int>
    private let pool: BufferPool?

    /// Floats that belong to one owner for good, such as biases.
    init(count: Int) {
        pointer = Self.allocate(count: max(count, 1))
        range = 0..<max(count, 1)
        pool = nil
    }

    fileprivate init(pointer: UnsafeMutablePointer<Float>, range: Range<Int>, pool: BufferPool) {
        self.pointer = pointer
        self.range = range
        self.pool = pool
    }

    deinit {
        if let pool {
            pool.giveBack(range)
        } else {
            free(pointer)
        }
    }

    private static func allocate(count: Int) -> UnsafeMutablePointer<Float> {
        let bytes = count * MemoryLayout<Float>.stride
        let isLarge = bytes >= 2 * BufferPool.hugePage
        var pointer: UnsafeMutableRawPointer?
        let status = posix_memalign(&pointer, isLarge ? BufferPool.hugePage : 64, bytes)
        guard status == 0, let pointer else {
            fatalError("The system has no memory left for \(bytes) bytes of weights.")
        }
        if isLarge { madvise(pointer, bytes, BufferPool.adviseHugePages) }
        return pointer.bindMemory(to: Float.self, capacity: count)
    }
}

/// The memory of all tensors of a context: one range of addresses, of which a prefix is in use.
///
/// Tensors take the smallest hole that fits, and holes that touch become one. A sampling loop that does the
/// same in each step therefore gets the same places in each, and the prefix does not grow after the first
/// step.
final class BufferPool {
    /// As Linux's headers have it; Glibc's overlay leaves it out.
    fileprivate static let adviseHugePages: Int32 = 14
    fileprivate static let hugePage = 2 << 20
    /// Floats that a tensor's place is a multiple of: a cache line.
    private static let grain = 16
    /// Bytes that become usable at a time.
    private static let chunk = 32 << 20

    /// How often the prefix grew.
    private(set) var allocations = 0
    private let base: UnsafeMutableRawPointer
    private let reservedBytes: Int
    private var usableBytes = 0
    /// Floats of the prefix.
    private var top = 0
    /// Unused ranges of the prefix in floats, ascending, with something between any two.
    private var holes: [Range<Int>] = []

    init() {
        // Addresses cost nothing until they are used, but a limit on them may be set.
        var size = 1 << 38
        var found: UnsafeMutableRawPointer?
        while found == nil, size >= 1 << 30 {
            let place = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            if place != UnsafeMutableRawPointer(bitPattern: -1) { found = place } else { size /= 2 }
        }
        guard let found else { fatalError("The system has no addresses left for tensors.") }
        base = found
        reservedBytes = size
    }

    deinit { munmap(base, reservedBytes) }

    /// Bytes of the prefix, in use or not.
    var bytes: Int { top * MemoryLayout<Float>.stride }

    /// At least `count` floats of unknown content.
    func take(count: Int) -> Storage {
        let size = max(count + Self.grain - 1, Self.grain) / Self.grain * Self.grain
        let start = hole(size) ?? grow(size)
        let range = start..<start + size
        let pointer = base.advanced(by: start * MemoryLayout<Float>.stride)
        return Storage(
            pointer: pointer.bindMemory(to: Float.self, capacity: size), range: range, pool: self)
    }

    /// The start of the smallest hole that fits.
    private func hole(_ size: Int) -> Int? {
        var best: Int?
        for index in holes.indices where holes[index].count >= size {
            if best.map({ holes[index].count < holes[$0].count }) ?? true { best = index }
        }
        guard let best else { return nil }
        let start = holes[best].lowerBound
        if holes[best].count == size {
            holes.remove(at: best)
        } else {
            holes[best] = start + size..<holes[best].upperBound
        }
        return start
    }

    /// The start of `size` floats at the prefix's end, from its last hole on.
    private func grow(_ size: Int) -> Int {
        allocations += 1
        let start = holes.last?.upperBound == top ? holes.removeLast().lowerBound : top
        top = start + size
        while usableBytes < bytes {
            let wanted = (bytes - usableBytes + Self.chunk - 1) / Self.chunk * Self.chunk
            guard usableBytes + wanted <= reservedBytes,
                mprotect(base + usableBytes, wanted, PROT_READ | PROT_WRITE) == 0
            else { fatalError("The system has no memory left for \(bytes) bytes of tensors.") }
            madvise(base + usableBytes, wanted, Self.adviseHugePages)
            usableBytes += wanted
        }
        return start
    }

    fileprivate func giveBack(_ range: Range<Int>) {
        var range = range
        var index = holes.firstIndex { $0.lowerBound >= range.upperBound } ?? holes.endIndex
        if index < holes.endIndex, holes[index].lowerBound == range.upperBound {
            range = range.lowerBound..<holes.remove(at: index).upperBound
        }
        if index > 0, holes[index - 1].upperBound == range.lowerBound {
            index -= 1
            range = holes.remove(at: index).lowerBound..<range.upperBound
        }
        holes.insert(range, at: index)
    }

    /// Gives the unused memory back to the system.
    func trim() {
        if let last = holes.last, last.upperBound == top {
            top = last.lowerBound
            holes.removeLast()
        }
        let page = 4096
        let stride = MemoryLayout<Float>.stride
        for hole in holes + [top..<usableBytes / stride] {
            let start = (hole.lowerBound * stride + page - 1) / page * page
            let end = hole.upperBound * stride / page * page
            if end > start { madvise(base + start, end - start, MADV_DONTNEED) }
        }
    }
}
