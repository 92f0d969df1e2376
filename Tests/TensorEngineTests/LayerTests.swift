import TensorEngine
import Testing

@Suite struct LayerTests {
    let context: ComputeContext

    init() throws { context = try ComputeContext(threads: 2) }

    @Test func linearReadsAViewAndAddsItsResidual() {
        let x = context.matrix(rows: 7, channels: 40)
        x.assign(Reference.values(280))
        let weight = Reference.values(20 * 33, seed: 2)
        let bias = Reference.values(20, seed: 3)
        let residual = context.matrix(rows: 7, channels: 20, values: Reference.values(140, seed: 4))
        let view = x.channels(4..<37)
        let y = Linear(inputs: 33, outputs: 20, weight: Weights(weight), bias: bias)(
            view, context, residual: residual)
        let plain = Reference.linear(view.values(), weight, bias, inputs: 33, outputs: 20)
        let expected = zip(plain, residual.values()).map { $0 + Double($1) }
        #expect(Reference.difference(y.values(), expected) < 1e-5)
    }

    @Test(arguments: [
        (8, 16, 16, ConvolutionRoute.winograd4), (9, 35, 48, .winograd4), (4, 32, 32, .direct),
        (17, 128, 144, .winograd6), (17, 128, 24, .winograd4), (32, 128, 128, .winograd4),
        (9, 16, 3, .direct),
        (9, 6, 16, .direct),
    ])
    func convolutionIsTheSameSumByEitherRoute(size: Int, inputs: Int, outputs: Int, route: ConvolutionRoute) {
        #expect(
            ConvolutionRoute.forShape(height: size, width: size, inputs: inputs, outputs: outputs) == route)
        let plain = context.map(images: 1, height: size, width: size, channels: inputs)
        plain.assign(Reference.values(size * size * inputs))
        let x = context.map(images: 1, height: size, width: size, channels: inputs, isPadded: true)
        context.copy(plain, into: x)
        let weight = Reference.values(9 * inputs * outputs, seed: 2)
        let bias = Reference.values(outputs, seed: 3)
        let layer = Convolution(
            inputs: inputs, outputs: outputs, weight: Weights(weight), bias: bias, route: route)
        let expected = Reference.convolution(
            plain.values(), weight, bias, size: size, inputs: inputs, outputs: outputs)
        let wide = context.map(images: 1, height: size, width: size, channels: outputs + 16)
        let y = layer(x, context, into: wide.channels(16..<16 + outputs))
        #expect(Reference.difference(y.values(), expected) < 2e-5)
    }

    /// A large map is normalised in bands as it is convolved; its bytes are those of norm and convolution one
    /// after the other.
    @Test(arguments: [(64, ConvolutionRoute.winograd6), (48, .winograd4), (3, .direct)], [false, true])
    func aNormalisedConvolutionIsTheNormAndThenTheConvolution(
        last: (outputs: Int, route: ConvolutionRoute), isFast: Bool
    ) {
        let (outputs, route) = last
        let inputs = 32, side = 512
        let x = context.map(images: 2, height: side, width: side, channels: inputs)
        x.assign(Reference.values(2 * side * side * inputs))
        #expect(Convolution.bandLines(of: x) == 24)
        let norm = GroupNorm(
            channels: inputs, groups: 8, epsilon: 1e-5, weight: Reference.values(inputs, seed: 2),
            bias: Reference.values(inputs, seed: 3))
        let layer = Convolution(
            inputs: inputs, outputs: outputs,
            weight: Weights(Reference.values(9 * inputs * outputs, seed: 4)), bias: nil, route: route)
        let modulation = context.matrix(
            rows: 2, channels: 2 * inputs, values: Reference.values(4 * inputs, seed: 5))
        let imageBias = context.matrix(
            rows: 2, channels: outputs, values: Reference.values(2 * outputs, seed: 6))
        let residual = context.map(images: 2, height: side, width: side, channels: outputs)
        residual.assign(Reference.values(2 * side * side * outputs, seed: 7))
        context.isFast = isFast
        let normalized = norm(x, context, activation: .silu, scaleShift: modulation, isPadded: true)
        let expected = layer(normalized, context, imageBias: imageBias, residual: residual)
        let y = layer(
            x, normalizedBy: norm, context, scaleShift: modulation, imageBias: imageBias, residual: residual)
        #expect(y.values() == expected.values())
    }

    @Test func aLargeTensorsMemoryGoesBackToTheSystem() {
        context.largeTensor = 1 << 20
        for (count, expected) in [(1 << 19, Float(1)), (1 << 20, 0)] {
            do {
                let ones = context.matrix(rows: 1, channels: count)
                ones.assign([Float](repeating: 1, count: count))
            }
            let again = context.matrix(rows: 1, channels: count)
            #expect(again.values()[count / 2] == expected)
        }
    }

    @Test func eachImageTakesItsOwnBias() {
        let x = context.map(images: 2, height: 4, width: 4, channels: 3, isPadded: true)
        x.clear()
        let layer = Convolution(
            inputs: 3, outputs: 2, weight: Weights(Reference.values(54)), bias: nil, route: .direct)
        let bias = context.matrix(rows: 2, channels: 2, values: [1, 2, 3, 4])
        let values = layer(x, context, imageBias: bias).values()
        #expect(Array(values.prefix(2)) == [1, 2])
        #expect(Array(values.suffix(2)) == [3, 4])
    }

    @Test func groupNormScalesShiftsAndPads() {
        let x = context.map(images: 2, height: 3, width: 3, channels: 4)
        x.assign(Reference.values(72))
        let norm = GroupNorm(
            channels: 4, groups: 2, epsilon: 1e-5, weight: [1, 2, 3, 4], bias: [0.5, 0, -0.5, 1])
        let modulation = context.matrix(rows: 2, channels: 8, values: Reference.values(16, seed: 5))
        let y = norm(x, context, scaleShift: modulation, isPadded: true)
        let input = x.values().map(Double.init)
        let factors = modulation.values().map(Double.init)
        var expected = [Double](repeating: 0, count: 72)
        for image in 0..<2 {
            for channel in 0..<4 {
                let members = (0..<18).map { image * 36 + $0 / 2 * 4 + channel / 2 * 2 + $0 % 2 }
                let mean = members.reduce(0) { $0 + input[$1] } / 18
                let variance = members.reduce(0) { $0 + (input[$1] - mean) * (input[$1] - mean) } / 18
                for pixel in 0..<9 {
                    let index = image * 36 + pixel * 4 + channel
                    let normed = (input[index] - mean) / (variance + 1e-5).squareRoot()
                    let affine = normed * Double(channel + 1) + [0.5, 0, -0.5, 1][channel]
                    expected[index] =
                        affine * (1 + factors[image * 8 + channel]) + factors[image * 8 + 4 + channel]
                }
            }
        }
        #expect(Reference.difference(y.values(), expected) < 1e-5)
    }

    @Test func keysFromTwoSourcesEqualTheirConcatenation() {
        let all = context.matrix(images: 2, rows: 9, channels: 64)
        all.assign(Reference.values(2 * 9 * 64))
        let first = context.matrix(images: 2, rows: 4, channels: 64)
        let second = context.matrix(images: 2, rows: 5, channels: 64)
        for image in 0..<2 {
            context.copy(all.image(image).rows(0..<4), into: first.image(image))
            context.copy(all.image(image).rows(4..<9), into: second.image(image))
        }
        let mask = context.matrix(
            images: 2, rows: 1, channels: 9, values: (0..<18).map { $0 % 5 == 1 ? -10000 : 0 })
        let queries = context.matrix(images: 2, rows: 3, channels: 32, values: Reference.values(192, seed: 9))
        func source(_ x: Tensor) -> KeyValues {
            KeyValues(keys: x.channels(0..<32), values: x.channels(32..<64))
        }
        let joined = context.attention(queries, [source(all)], heads: 2, mask: mask)
        let split = context.attention(queries, [source(first), source(second)], heads: 2, mask: mask)
        #expect(joined.values() == split.values())
        #expect(Reference.difference(joined.values(), softmaxAverage(queries, all, mask)) < 1e-5)
    }

    /// Attention of 2 heads of 16 by plain loops.
    private func softmaxAverage(_ queries: Tensor, _ all: Tensor, _ mask: Tensor) -> [Double] {
        let (q, kv, m) = (queries.values(), all.values(), mask.values())
        var expected = [Double](repeating: 0, count: q.count)
        for image in 0..<2 {
            for query in 0..<3 {
                for head in 0..<2 {
                    let base = (image * 3 + query) * 32 + head * 16
                    let scores = (0..<9).map { key in
                        (0..<16).reduce(Double(m[image * 9 + key])) { sum, channel in
                            let product =
                                Double(q[base + channel])
                                * Double(kv[(image * 9 + key) * 64 + head * 16 + channel])
                            return sum + product / 4
                        }
                    }
                    let weights = scores.map { Double(Scalar.exp($0)) }
                    let total = weights.reduce(0, +)
                    for channel in 0..<16 {
                        for key in 0..<9 {
                            expected[base + channel] +=
                                weights[key] / total
                                * Double(kv[(image * 9 + key) * 64 + 32 + head * 16 + channel])
                        }
                    }
                }
            }
        }
        return expected
    }

    @Test func resamplingHalvesAndDoubles() {
        let x = context.map(images: 1, height: 2, width: 2, channels: 1)
        x.assign([1, 2, 3, 6])
        #expect(context.averagePool2(x).values() == [3])
        #expect(
            context.nearestUp2(x, isPadded: true).values() == [
                1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 6, 6, 3, 3, 6, 6,
            ])
        let flat = context.map(images: 1, height: 3, width: 3, channels: 2)
        flat.assign([Float](repeating: 0.25, count: 18))
        let large = context.bicubic(flat, height: 12, width: 12).values()
        #expect(large.allSatisfy { abs($0 - 0.25) < 1e-6 })
    }

    @Test func theProfilerCountsWhatRan() {
        context.profiler = Profiler()
        let layer = Linear(inputs: 4, outputs: 2, weight: Weights(Reference.values(8)), bias: nil)
        let x = context.matrix(rows: 3, channels: 4, values: Reference.values(12))
        _ = layer(x, context)
        _ = layer(x, context)
        #expect(context.profiler?.rows.map(\.count) == [2])
        #expect(context.profiler?.rows.map(\.flop) == [96])
    }
}
