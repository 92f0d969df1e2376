import CKernels
import Testing

/// Activations, sums, noise and conversions.
struct ElementwiseTests {
    @Test(
        arguments: [0, 1, 15, 16, 100, 9001],
        [
            CK_ACTIVATION_NONE, CK_ACTIVATION_SILU, CK_ACTIVATION_GELU, CK_ACTIVATION_QUICK_GELU,
        ])
    func activation(count: Int, activation: ck_activation) throws {
        let arena = Arena()
        defer { arena.free() }
        let x = arena.random(count, -12...12)
        let y = try expectSameBits(arena, count: count + 3) { context, y in
            ck_activate(context, activation, x, y, count)
        }
        let reference = (0..<count + 3).map { $0 < count ? activated(activation, Double(x[$0])) : nil }
        #expect(relativeError(y, reference) < 3e-7)
    }

    /// Numbers at the ends of the range behave alike on all paths.
    @Test(arguments: [CK_ACTIVATION_SILU, CK_ACTIVATION_GELU, CK_ACTIVATION_QUICK_GELU])
    func activationOfExtremes(activation: ck_activation) throws {
        let arena = Arena()
        defer { arena.free() }
        let values: [Float] = [
            0, -0.0, 1e-38, -Float.leastNonzeroMagnitude, 87, -87, 88.5, -88.5, 103, -104.5, 1e30, -1e30, 5.9,
            -5.9,
        ]
        let x = arena.filled(values.count)
        for (index, value) in values.enumerated() { x[index] = value }
        let y = try expectSameBits(arena, count: values.count) { context, y in
            ck_activate(context, activation, x, y, values.count)
        }
        for (index, value) in values.enumerated() {
            #expect(abs(y[index]) <= abs(value))
            #expect(!y[index].isNaN)
        }
    }

    @Test(arguments: [1, 17, 40_000])
    func sum(count: Int) throws {
        let arena = Arena()
        defer { arena.free() }
        let a = arena.random(count), b = arena.random(count, seed: 2)
        let y = try expectSameBits(arena, count: count) { context, y in ck_add(context, a, b, y, count) }
        #expect((0..<count).allSatisfy { y[$0] == a[$0] + b[$0] })
    }

    @Test(arguments: [16, 48, 4096])
    func boxMuller(count: Int) throws {
        let arena = Arena()
        defer { arena.free() }
        let uniform = arena.random(count, 0...0.99999994)
        uniform[0] = 0
        uniform[1] = 0.99999994
        let normal = try expectSameBits(arena, count: count) { context, x in
            x.update(from: uniform, count: count)
            ck_box_muller16(context, x, count)
        }
        for block in stride(from: 0, to: count, by: 16) {
            for j in block..<block + 8 {
                let radius = (-2 * ck_log(1 - Double(uniform[j]))).squareRoot()
                let angle = 2 * Double.pi * Double(uniform[j + 8])
                #expect(abs(Double(normal[j]) - radius * ck_cos(angle)) < 2e-6)
                #expect(abs(Double(normal[j + 8]) - radius * ck_sin(angle)) < 2e-6)
            }
        }
    }

    /// torch.manual_seed(0); torch.randn(16), from the uniforms that its generator draws.
    @Test func boxMullerAsTorch() throws {
        let arena = Arena()
        defer { arena.free() }
        let uniforms: [Float] = [
            0.49625659, 0.768221796, 0.0884774327, 0.132030487, 0.307422817, 0.634078681,
            0.49009341, 0.896444738, 0.455627978, 0.632306278, 0.348893464, 0.401717305,
            0.0223257542, 0.168858945, 0.29388845, 0.518521786,
        ]
        let torch: [Double?] = [
            -1.12583983, -1.1523602, -0.250578582, -0.433878809, 0.848710358, 0.692009151,
            -0.31601277, -2.11521935, 0.322274923, -1.26333475, 0.349983186, 0.30813393,
            0.119841509, 1.2376579, 1.11677718, -0.247278154,
        ]
        let normal = try expectSameBits(arena, count: 16) { context, x in
            x.update(from: uniforms, count: 16)
            ck_box_muller16(context, x, 16)
        }
        #expect(relativeError(normal, torch) < 3e-7)
    }

    @Test func halfPrecision() {
        let bits = (0...UInt16.max).map { $0 }
        var floats = [Float](repeating: 0, count: bits.count)
        ck_f16_to_f32(bits, &floats, bits.count)
        let wrong = bits.filter { value in
            let exact = halfValue(value), actual = Double(floats[Int(value)])
            return exact.isNaN ? !actual.isNaN : exact != actual || exact.sign != actual.sign
        }
        #expect(wrong.isEmpty)
    }

    /// An IEEE half from its fields.
    private func halfValue(_ bits: UInt16) -> Double {
        let sign: Double = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10) & 31, fraction = Double(bits & 1023)
        if exponent == 31 { return fraction == 0 ? sign * .infinity : .nan }
        if exponent == 0 { return sign * fraction * 0x1p-24 }
        return sign * (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
    }

    @Test func brainFloats() {
        let bits = (0...UInt16.max).map { $0 }
        var floats = [Float](repeating: 0, count: bits.count)
        ck_bf16_to_f32(bits, &floats, bits.count)
        #expect(bits.allSatisfy { floats[Int($0)].bitPattern == UInt32($0) << 16 })
    }
}
