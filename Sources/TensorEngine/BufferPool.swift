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
/// step. The memory of tensors of hundreds of megabytes, which only the largest networks have, goes back to
/// the system until it is used again.
final class BufferPool {
    private struct Hole {
        /// In floats.
        var range: Range<Int>
        /// Whether the system has its memory.
        var isReleased: Bool
    }

    /// As Linux's headers have it; Glibc's overlay leaves it out.
    fileprivate static let adviseHugePages: Int32 = 14
    fileprivate static let hugePage = 2 << 20
    /// Floats that a tensor's place is a multiple of: a cache line.
    private static let grain = 16
    /// Bytes that become usable at a time.
    private static let chunk = 32 << 20

    /// Floats of a tensor from which on its memory goes back to the system.
    var largeTensor = 64 << 20
    /// How often the prefix grew.
    private(set) var allocations = 0
    private let base: UnsafeMutableRawPointer
    private let reservedBytes: Int
    private var usableBytes = 0
    /// Floats of the prefix.
    private var top = 0
    /// Unused ranges of the prefix, ascending, with something between any two.
    private var holes: [Hole] = []
    /// Most bytes that the prefix took since `trim`, without what the system had back.
    private(set) var mostBytes = 0

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

    /// At least `count` floats of unknown content.
    func take(count: Int) -> Storage {
        let size = max(count + Self.grain - 1, Self.grain) / Self.grain * Self.grain
        let start = hole(size) ?? grow(size)
        let range = start..<start + size
        let released = holes.reduce(0) { $0 + ($1.isReleased ? $1.range.count : 0) }
        mostBytes = max(mostBytes, (top - released) * MemoryLayout<Float>.stride)
        let pointer = base.advanced(by: start * MemoryLayout<Float>.stride)
        return Storage(
            pointer: pointer.bindMemory(to: Float.self, capacity: size), range: range, pool: self)
    }

    /// The start of the smallest hole that fits.
    private func hole(_ size: Int) -> Int? {
        var best: Int?
        for (index, hole) in holes.enumerated() where hole.range.count >= size {
            if best.map({ hole.range.count < holes[$0].range.count }) ?? true { best = index }
        }
        guard let best else { return nil }
        let range = holes[best].range
        if range.count == size {
            holes.remove(at: best)
        } else {
            holes[best].range = range.lowerBound + size..<range.upperBound
        }
        return range.lowerBound
    }

    /// The start of `size` floats at the prefix's end, from its last hole on.
    private func grow(_ size: Int) -> Int {
        allocations += 1
        let start = holes.last?.range.upperBound == top ? holes.removeLast().range.lowerBound : top
        top = start + size
        let bytes = top * MemoryLayout<Float>.stride
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
        var isReleased = range.count >= largeTensor
        var index = holes.firstIndex { $0.range.lowerBound >= range.upperBound } ?? holes.endIndex
        if index < holes.endIndex, holes[index].range.lowerBound == range.upperBound {
            let next = holes.remove(at: index)
            range = range.lowerBound..<next.range.upperBound
            isReleased = isReleased || next.isReleased
        }
        if index > 0, holes[index - 1].range.upperBound == range.lowerBound {
            index -= 1
            let previous = holes.remove(at: index)
            range = previous.range.lowerBound..<range.upperBound
            isReleased = isReleased || previous.isReleased
        }
        if isReleased { release(range) }
        holes.insert(Hole(range: range, isReleased: isReleased), at: index)
    }

    private func release(_ range: Range<Int>) {
        let page = 4096
        let stride = MemoryLayout<Float>.stride
        let start = (range.lowerBound * stride + page - 1) / page * page
        let end = range.upperBound * stride / page * page
        if end > start { madvise(base + start, end - start, MADV_DONTNEED) }
    }

    /// Gives the unused memory back to the system.
    func trim() {
        if let last = holes.last?.range, last.upperBound == top {
            top = last.lowerBound
            holes.removeLast()
        }
        for hole in holes { release(hole.range) }
        release(top..<usableBytes / MemoryLayout<Float>.stride)
        mostBytes = 0
    }
}
