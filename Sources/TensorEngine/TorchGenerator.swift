package import CKernels

/// PyTorch's CPU random generator: the same seed gives the same stream of normals as `torch.Generator`.
///
/// The integers are MT19937 (Matsumoto & Nishimura 1998, `init_genrand`), bit for bit. Normals agree with
/// torch to the last bits of its logarithm, sine and cosine (about 1e-6 relative). As in torch, only the
/// lower 32 bits of the seed count.
package struct TorchGenerator: Sendable {
    private var engine: MersenneTwister
    /// The second half of a Box–Muller pair of the small path; survives larger draws, as in torch.
    private var spareNormal: Double?

    /// A generator in the state of `torch.Generator().manual_seed(seed)`.
    package init(seed: UInt64) {
        engine = MersenneTwister(seed: UInt32(truncatingIfNeeded: seed))
    }

    /// The next `count` values of `torch.randn(count, generator=…)`, computed on this thread.
    package mutating func normals(count: Int) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        guard count >= 16 else {
            for index in values.indices { values[index] = nextSmallNormal() }
            return values
        }
        guard let pool = ck_pool_create(1) else { fatalError("out of memory for a pool of one thread") }
        defer { ck_pool_destroy(pool) }
        values.withUnsafeMutableBufferPointer {
            fill($0, context: ck_context(pool: pool, path: CK_PATH_PORTABLE))
        }
        return values
    }

    /// Fills `values` with what `torch.randn(values.count, generator=…)` would hold, on `context`'s threads.
    package mutating func fill(_ values: UnsafeMutableBufferPointer<Float>, context: ck_context) {
        guard values.count >= 16, let base = values.baseAddress else {
            for index in values.indices { values[index] = nextSmallNormal() }
            return
        }
        engine.fillUniforms(values)
        let whole = values.count & ~15
        ck_box_muller16(context, base, whole)
        guard whole < values.count else { return }
        // torch redraws the last sixteen values, over the end of the last whole block.
        let tail = UnsafeMutableBufferPointer(rebasing: values[(values.count - 16)...])
        engine.fillUniforms(tail)
        ck_box_muller16(context, base + (values.count - 16), 16)
    }

    /// Moves on exactly as drawing `count` normals at once would, without computing them.
    package mutating func skipNormals(count: Int) {
        guard count >= 16 else {
            for _ in 0..<max(count, 0) { _ = nextSmallNormal() }
            return
        }
        engine.skip(count.isMultiple(of: 16) ? count : count + 16)
    }

    /// One normal of the path that torch takes for fewer than 16 values: Box–Muller in double, two at a time.
    private mutating func nextSmallNormal() -> Float {
        if let spare = spareNormal {
            spareNormal = nil
            return Float(spare)
        }
        let angle = 2 * Double.pi * engine.nextDouble()
        // 1 − u is exact: u is a multiple of 2⁻⁵³ below 1.
        let radius = (-2 * ck_log(1 - engine.nextDouble())).squareRoot()
        spareNormal = radius * ck_sin(angle)
        return Float(radius * ck_cos(angle))
    }
}

/// MT19937 with torch's conversions to uniforms.
private struct MersenneTwister: Sendable {
    private static let size = 624
    private static let middle = 397
    private var state: [UInt32]
    /// Index of the next word to hand out; `size` when the block is used up.
    private var next = MersenneTwister.size

    init(seed: UInt32) {
        state = [UInt32](repeating: seed, count: Self.size)
        for index in 1..<Self.size {
            let last = state[index - 1]
            state[index] = 1_812_433_253 &* (last ^ (last >> 30)) &+ UInt32(index)
        }
    }

    /// Makes the next block of 624 words.
    private mutating func twist() {
        func mixed(_ high: UInt32, _ low: UInt32, _ far: UInt32) -> UInt32 {
            let joined = (high & 0x8000_0000) | (low & 0x7fff_ffff)
            return far ^ (joined >> 1) ^ (low & 1 == 0 ? 0 : 0x9908_b0df)
        }
        state.withUnsafeMutableBufferPointer { words in
            let (size, middle) = (Self.size, Self.middle)
            for index in 0..<(size - middle) {
                words[index] = mixed(words[index], words[index + 1], words[index + middle])
            }
            for index in (size - middle)..<(size - 1) {
                words[index] = mixed(words[index], words[index + 1], words[index + middle - size])
            }
            words[size - 1] = mixed(words[size - 1], words[0], words[middle - 1])
        }
        next = 0
    }

    mutating func nextWord() -> UInt32 {
        if next == Self.size { twist() }
        defer { next += 1 }
        return Self.tempered(state[next])
    }

    /// Uniform in [0, 1) from 53 bits; torch takes the high word first.
    mutating func nextDouble() -> Double {
        let high = UInt64(nextWord())
        let word = high << 32 | UInt64(nextWord())
        return Double(word & (1 << 53 - 1)) * 0x1p-53
    }

    /// Uniforms in [0, 1) from 24 bits each.
    mutating func fillUniforms(_ values: UnsafeMutableBufferPointer<Float>) {
        var done = 0
        while done < values.count {
            if next == Self.size { twist() }
            let run = min(values.count - done, Self.size - next)
            state.withUnsafeBufferPointer { words in
                for offset in 0..<run {
                    let word = Self.tempered(words[next + offset])
                    values[done + offset] = Float(word & 0xff_ffff) * 0x1p-24
                }
            }
            next += run
            done += run
        }
    }

    mutating func skip(_ count: Int) {
        var left = count
        while left > 0 {
            if next == Self.size { twist() }
            let run = min(left, Self.size - next)
            next += run
            left -= run
        }
    }

    private static func tempered(_ word: UInt32) -> UInt32 {
        var value = word
        value ^= value >> 11
        value ^= (value << 7) & 0x9d2c_5680
        value ^= (value << 15) & 0xefc6_0000
        return value ^ (value >> 18)
    }
}
