import TensorEngine
import Testing

/// Expected values: `torch.randn(count, generator=g)` for each count in turn, after
/// `g = torch.Generator().manual_seed(seed)`, PyTorch 2.15 (Tests/Scripts/torch_normals.py).
@Suite struct TorchGeneratorTests {
    struct Draws: Sendable {
        let seed: UInt64
        let counts: [Int]
        /// First values of the last draw.
        let first: [Float]
        /// Last values of the last draw.
        let last: [Float]
    }

    static let table = [
        Draws(
            seed: 0, counts: [6], first: [1.54099607, -0.293428898, -2.17878938, 0.568431258],
            last: [0.568431258, -1.08452237, -1.39859545]),
        Draws(
            seed: 0, counts: [16],
            first: [-1.12583983, -1.1523602, -0.250578582, -0.433878809, 0.848710358, 0.692009151],
            last: [1.2376579, 1.11677718, -0.247278154]),
        Draws(
            seed: 42, counts: [4], first: [0.336690366, 0.128809407, 0.234462366, 0.23033303], last: []),
        Draws(
            seed: 42, counts: [16], first: [1.92691529, 1.48728406, 0.900717199, -2.10552096],
            last: [-0.559430182, -0.768838882, 0.76244539]),
        Draws(
            seed: 7, counts: [3, 17], first: [-0.176437929, -1.21692944, -0.0810215846, 1.36148512],
            last: [1.39891839, 1.40585291, -1.40125084]),
        // The spare of the first draw of 3 survives the draw of 17.
        Draws(seed: 7, counts: [3, 17, 3], first: [-1.114344, 1.08418751, 0.1580562], last: []),
        Draws(
            seed: 7, counts: [3, 17, 3, 40], first: [-1.25478518, 0.816456497, -1.06539893, -0.178192616],
            last: [-0.557684064, -0.438334733, 1.15718675]),
        // Only the lower 32 bits of a seed count.
        Draws(
            seed: 1 << 40 + 5, counts: [5], first: [-0.486780763, -0.603821576, -0.55809623, 0.667524278],
            last: [-0.197415099]),
        Draws(
            seed: 1, counts: [1_000_003], first: [-1.5255959, -0.750231802, -0.653980911, -1.60948479],
            last: [-0.606183887, -1.20565462, 0.603861213]),
        Draws(seed: 3, counts: [1888, 1], first: [0.0596258976], last: []),
        Draws(seed: 3, counts: [1888, 1, 1], first: [-0.166090801], last: []),
    ]

    @Test(arguments: table) func agreesWithTorch(_ draws: Draws) throws {
        var generator = TorchGenerator(seed: draws.seed)
        var values: [Float] = []
        for count in draws.counts { values = generator.normals(count: count) }
        #expect(values.count == draws.counts.last)
        for (value, expected) in zip(values, draws.first) { #expect(Self.isClose(value, expected)) }
        for (value, expected) in zip(values.suffix(draws.last.count), draws.last) {
            #expect(Self.isClose(value, expected))
        }
    }

    private static func isClose(_ value: Float, _ expected: Float) -> Bool {
        abs(value - expected) <= 2e-6 * max(1, abs(expected))
    }

    @Test(arguments: [[0], [1], [2, 1], [15], [16], [17], [3, 40, 5], [12_288, 256], [3, 1_000_001]])
    func skippingEqualsDrawing(counts: [Int]) {
        var drawing = TorchGenerator(seed: 11)
        var skipping = TorchGenerator(seed: 11)
        for count in counts {
            _ = drawing.normals(count: count)
            skipping.skipNormals(count: count)
        }
        for count in [1, 1, 16, 40, 1] {
            #expect(drawing.normals(count: count) == skipping.normals(count: count))
        }
    }

    @Test func copiesDrawTheSame() {
        var one = TorchGenerator(seed: 5)
        _ = one.normals(count: 700)
        var other = one
        #expect(one.normals(count: 700) == other.normals(count: 700))
    }
}
