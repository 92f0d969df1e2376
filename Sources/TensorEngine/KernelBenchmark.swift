/// Measures the hot loops beside the machine's own peak, for `tessera bench kernels`.
///
///     let rows = KernelBenchmark(context: context).run()
package struct KernelBenchmark {
    /// One measurement.
    package struct Row: Sendable, Codable {
        package let name: String
        /// Of the fastest repetition.
        package let milliseconds: Double
        /// 10⁹ operations a second as a plain loop would count them (Winograd needs fewer). 0 where only data
        /// moves.
        package let gflops: Double
        /// `gflops` over the measured f32 FMA peak; above 1 for Winograd.
        package let shareOfPeak: Double
        /// 10⁹ bytes a second, each number counted once; 0 where arithmetic is what counts.
        package let gigabytesPerSecond: Double

        package init(
            name: String, milliseconds: Double, gflops: Double, shareOfPeak: Double,
            gigabytesPerSecond: Double
        ) {
            self.name = name
            self.milliseconds = milliseconds
            self.gflops = gflops
            self.shareOfPeak = shareOfPeak
            self.gigabytesPerSecond = gigabytesPerSecond
        }
    }

    /// A 3×3 convolution to measure: images, height and width, channels.
    private struct Shape {
        let images: Int
        let size: Int
        let inputs: Int
        let outputs: Int
    }

    private static let shapes = [
        Shape(images: 1, size: 256, inputs: 320, outputs: 320),
        Shape(images: 2, size: 64, inputs: 320, outputs: 320),
        Shape(images: 2, size: 32, inputs: 640, outputs: 640),
        Shape(images: 2, size: 16, inputs: 1280, outputs: 1280),
        Shape(images: 1, size: 1024, inputs: 64, outputs: 64),
        Shape(images: 1, size: 1024, inputs: 32, outputs: 32),
        Shape(images: 1, size: 1024, inputs: 48, outputs: 16),
        Shape(images: 1, size: 1024, inputs: 16, outputs: 16),
    ]

    private let context: ComputeContext
    private let repetitions: Int

    package init(context: ComputeContext, repetitions: Int = 3) {
        self.context = context
        self.repetitions = max(1, repetitions)
    }

    /// The peaks first, then convolutions, products, attention and norms. Takes some tens of seconds.
    package func run(onRow: (Row) -> Void = { _ in }) -> [Row] {
        var rows: [Row] = []
        func add(_ row: Row) {
            rows.append(row)
            onRow(row)
        }
        let peaks = MachinePeaks(context: context)
        let peak = peaks.f32Gflops
        add(Row(name: "f32 FMA peak", milliseconds: 0, gflops: peak, shareOfPeak: 1, gigabytesPerSecond: 0))
        add(
            Row(
                name: "16-bit integer peak", milliseconds: 0, gflops: peaks.integerGops,
                shareOfPeak: peaks.integerGops / peak, gigabytesPerSecond: 0))
        add(
            Row(
                name: "memory read", milliseconds: 0, gflops: 0, shareOfPeak: 0,
                gigabytesPerSecond: peaks.readGigabytesPerSecond))
        for shape in Self.shapes {
            add(convolution(shape, .winograd4, peak: peak))
            add(convolution(shape, .winograd6, peak: peak))
            if FastRule.paysInWinograd(
                height: shape.size, width: shape.size, inputs: shape.inputs, outputs: shape.outputs)
            {
                add(fast { convolution(shape, .winograd4, peak: peak) })
            }
            add(convolution(shape, .direct, peak: peak))
            context.trim()
        }
        for (m, n, k) in [(4096, 320, 320), (2048, 1920, 640), (162, 8192, 2048)] {
            add(product(m: m, n: n, k: k, peak: peak))
            add(fast { product(m: m, n: n, k: k, peak: peak) })
        }
        for (images, tokens, heads, headSize) in [
            (2, 1024, 10, 64), (1, 4096, 16, 40), (1, 1024, 16, 80), (1, 256, 16, 160),
        ] {
            add(attention(images: images, tokens: tokens, heads: heads, headSize: headSize, peak: peak))
            add(
                fast {
                    attention(images: images, tokens: tokens, heads: heads, headSize: headSize, peak: peak)
                })
        }
        add(groupNorm(size: 256, channels: 320))
        add(groupNorm(size: 1024, channels: 16))
        context.trim()
        return rows
    }

    /// The medians of several runs' rows, column by column; of an even number, the mean of the middle two.
    package static func medians(_ runs: [[Row]]) -> [Row] {
        guard let first = runs.first else { return [] }
        return first.indices.map { index in
            func median(_ column: KeyPath<Row, Double>) -> Double {
                let sorted = runs.map { $0[index][keyPath: column] }.sorted()
                return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
            }
            return Row(
                name: first[index].name, milliseconds: median(\.milliseconds), gflops: median(\.gflops),
                shareOfPeak: median(\.shareOfPeak), gigabytesPerSecond: median(\.gigabytesPerSecond))
        }
    }

    /// A measurement in fast mode.
    private func fast(_ measurement: () -> Row) -> Row {
        context.isFast = true
        defer { context.isFast = false }
        return measurement()
    }

    private func convolution(_ shape: Shape, _ route: ConvolutionRoute, peak: Double) -> Row {
        let layer = Convolution(
            inputs: shape.inputs, outputs: shape.outputs,
            weight: Weights(Self.values(9 * shape.inputs * shape.outputs, scale: 0.02)), bias: nil,
            route: route)
        let x = context.map(
            images: shape.images, height: shape.size, width: shape.size, channels: shape.inputs,
            isPadded: true)
        x.fill()
        let y = context.map(
            images: shape.images, height: shape.size, width: shape.size, channels: shape.outputs)
        let flop = 18 * Double(y.rows) * Double(shape.inputs) * Double(shape.outputs)
        let kind = context.isFast ? "\(route) fast" : "\(route)"
        let name = "conv 3×3 \(kind) \(shape.images)×\(shape.size)²×\(shape.inputs)→\(shape.outputs)"
        return measure(name, flop: flop, peak: peak) { _ = layer(x, context, into: y) }
    }

    private func product(m: Int, n: Int, k: Int, peak: Double) -> Row {
        let layer = Linear(inputs: k, outputs: n, weight: Weights(Self.values(n * k, scale: 0.02)), bias: nil)
        let x = context.matrix(rows: m, channels: k)
        x.fill()
        let y = context.matrix(rows: m, channels: n)
        let kind = context.isFast ? "product fast" : "product"
        return measure("\(kind) \(m)×\(k)→\(n)", flop: 2 * Double(m) * Double(n) * Double(k), peak: peak) {
            _ = layer(x, context, into: y)
        }
    }

    private func attention(images: Int, tokens: Int, heads: Int, headSize: Int, peak: Double) -> Row {
        let width = heads * headSize
        let x = context.matrix(images: images, rows: tokens, channels: 3 * width)
        x.fill()
        let source = KeyValues(keys: x.channels(width..<2 * width), values: x.channels(2 * width..<3 * width))
        let flop = 4 * Double(images) * Double(tokens) * Double(tokens) * Double(width)
        let kind = context.isFast ? "attention fast" : "attention"
        return measure("\(kind) \(images)×\(heads)×\(tokens)²×\(headSize)", flop: flop, peak: peak) {
            _ = context.attention(x.channels(0..<width), [source], heads: heads)
        }
    }

    private func groupNorm(size: Int, channels: Int) -> Row {
        let ones = [Float](repeating: 1, count: channels)
        let layer = GroupNorm(channels: channels, groups: 8, epsilon: 1e-5, weight: ones, bias: ones)
        let x = context.map(images: 1, height: size, width: size, channels: channels)
        x.fill()
        let bytes = 12 * Double(x.rows) * Double(channels)
        return measure("group norm + SiLU \(size)²×\(channels)", bytes: bytes) {
            _ = layer(x, context, activation: .silu, isPadded: true)
        }
    }

    /// The fastest of the repetitions, after one that is not counted. What is short is repeated for half a
    /// second, so that one undisturbed run is among them.
    private func measure(
        _ name: String, flop: Double = 0, bytes: Double = 0, peak: Double = 1, _ body: () -> Void
    ) -> Row {
        body()
        var best = Double.infinity, total = 0.0, runs = 0
        while runs < repetitions || total < 0.5 {
            let start = ContinuousClock.now
            body()
            let seconds = start.duration(to: .now) / .seconds(1)
            best = min(best, seconds)
            total += seconds
            runs += 1
        }
        return Row(
            name: name, milliseconds: best * 1e3, gflops: flop / best / 1e9,
            shareOfPeak: flop / best / 1e9 / peak,
            gigabytesPerSecond: bytes / best / 1e9)
    }

    /// Numbers of no meaning in ±scale.
    private static func values(_ count: Int, scale: Float) -> [Float] {
        (0..<count).map { scale * (Float($0 % 251) / 125 - 1) }
    }
}

extension Tensor {
    /// Numbers of no meaning in ±1, the border included.
    fileprivate func fill() {
        withPointer { target in
            for index in 0..<images * imageStride { target[index] = Float(index % 251) / 125 - 1 }
        }
    }
}
