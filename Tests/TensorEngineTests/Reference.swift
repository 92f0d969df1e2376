/// Plain loops in double precision that layers are held against.
enum Reference {
    /// Repeatable numbers in ±1.
    static func values(_ count: Int, seed: UInt64 = 1) -> [Float] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
        }
    }

    /// Largest difference over the largest magnitude.
    static func difference(_ a: [Float], _ b: [Double]) -> Double {
        guard a.count == b.count, a.allSatisfy(\.isFinite) else { return .infinity }
        let scale = b.reduce(1e-30) { max($0, abs($1)) }
        return zip(a, b).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / scale
    }

    /// x: [rows][inputs], weight: [outputs][inputs].
    static func linear(_ x: [Float], _ weight: [Float], _ bias: [Float], inputs: Int, outputs: Int)
        -> [Double]
    {
        (0..<x.count / inputs).flatMap { row in
            (0..<outputs).map { output in
                (0..<inputs).reduce(Double(bias[output])) { sum, input in
                    sum + Double(x[row * inputs + input]) * Double(weight[output * inputs + input])
                }
            }
        }
    }

    /// x: NHWC of `size` × `size`, weight: [outputs][inputs][3][3].
    static func convolution(
        _ x: [Float], _ weight: [Float], _ bias: [Float], size: Int, inputs: Int, outputs: Int
    ) -> [Double] {
        (0..<size * size).flatMap { pixel in
            (0..<outputs).map { output in
                var sum = Double(bias[output])
                for tap in 0..<9 {
                    let y = pixel / size + tap / 3 - 1
                    let column = pixel % size + tap % 3 - 1
                    guard (0..<size).contains(y), (0..<size).contains(column) else { continue }
                    for input in 0..<inputs {
                        sum +=
                            Double(x[(y * size + column) * inputs + input])
                            * Double(weight[(output * inputs + input) * 9 + tap])
                    }
                }
                return sum
            }
        }
    }
}
