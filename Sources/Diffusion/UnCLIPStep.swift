import TensorEngine

/// One step of a sampling run: coefficients in f32, and the arithmetic over a sample of any layout.
package struct UnCLIPStep: Sendable, Hashable {
    /// The noise that a step adds.
    package enum Noise: Sendable, Hashable {
        /// The last step adds none.
        case none
        case fixed(deviation: Float)
        /// Logarithms of the variances between which the network's −1…1 chooses.
        case learned(minimum: Float, maximum: Float)
    }

    /// The training step, which the network is told.
    package let timestep: Int
    /// What the network gives.
    package let prediction: UnCLIPScheduler.Prediction
    /// Bound of the predicted clean sample.
    package let clipRange: Float
    /// Share of noise in the sample: √(1 − ᾱ).
    package let noiseScale: Float
    /// Share of the clean sample: √ᾱ.
    package let signalScale: Float
    /// Weight of the clean sample in the next one's mean.
    package let cleanWeight: Float
    /// Weight of the present sample in the next one's mean.
    package let sampleWeight: Float
    /// The noise that the step adds.
    package let noise: Noise

    /// Whether the step draws as much noise as the sample has values.
    package var drawsNoise: Bool { noise != .none }

    /// Whether a small error of the network becomes a large one of the sample: the step divides it by a tiny
    /// share of signal (5e-5 at the noisy end) and takes the outcome for much of the next sample. Runs of six
    /// steps or fewer begin so.
    package var amplifiesErrors: Bool {
        prediction == .noise && signalScale < 0.01 && cleanWeight > 0.3
    }

    /// Takes the step in place. All arrays have the sample's layout and count.
    ///
    /// - Parameters:
    ///   - sample: the noisy sample; afterwards the next, less noisy one.
    ///   - output: the network's prediction.
    ///   - variance: the network's choice of variance, −1…1; read only where the noise is learned.
    ///   - normals: standard normals; read only where `drawsNoise`.
    package func apply(
        to sample: inout [Float], output: [Float], variance: [Float] = [], normals: [Float] = []
    ) {
        let count = sample.count
        precondition(output.count == count, "a prediction for each value of the sample")
        sample.withUnsafeMutableBufferPointer { sample in
            output.withUnsafeBufferPointer { setMean(sample, $0) }
        }
        switch noise {
        case .none: break
        case .fixed(let deviation):
            precondition(normals.count == count, "a normal for each value of the sample")
            for index in 0..<count { sample[index] += deviation * normals[index] }
        case .learned(let minimum, let maximum):
            precondition(
                normals.count == count && variance.count == count, "a normal and a variance for each value")
            for index in 0..<count {
                let share = (variance[index] + 1) / 2
                let logarithm = share * maximum + (1 - share) * minimum
                sample[index] += Scalar.exp(0.5 * logarithm) * normals[index]
            }
        }
    }

    /// Replaces the sample by the mean of the next one.
    private func setMean(_ sample: UnsafeMutableBufferPointer<Float>, _ output: UnsafeBufferPointer<Float>) {
        switch prediction {
        case .noise:
            for index in sample.indices {
                let clean = (sample[index] - noiseScale * output[index]) / signalScale
                sample[index] = cleanWeight * clipped(clean) + sampleWeight * sample[index]
            }
        case .sample:
            for index in sample.indices {
                sample[index] = cleanWeight * clipped(output[index]) + sampleWeight * sample[index]
            }
        }
    }

    private func clipped(_ value: Float) -> Float {
        max(-clipRange, min(clipRange, value))
    }
}
