/// Feature maps or rows of features in f32, NHWC: `images` × `height` × `width` pixels of `channels` floats.
///
/// A matrix is a map of height 1: its rows are the pixels. A tensor may be a view of some channels of a wider
/// one (then `pixelStride` exceeds `channels`), and may be *padded*: stored with a border of one pixel of
/// zeros, as 3×3 convolutions read it. Copies of a `Tensor` share memory, which is freed for reuse with the
/// last of them.
package struct Tensor {
    package let images: Int
    package let height: Int
    package let width: Int
    package let channels: Int
    /// Floats between neighbouring pixels.
    package let pixelStride: Int
    package let isPadded: Bool

    let storage: Storage
    let offset: Int

    /// Pixels of all images, without padding.
    package var rows: Int { images * height * width }

    /// Floats that a map of this size takes.
    static func floats(images: Int, height: Int, width: Int, pixelStride: Int, isPadded: Bool) -> Int {
        let border = isPadded ? 2 : 0
        return images * (height + border) * (width + border) * pixelStride
    }

    /// Floats between two images.
    var imageStride: Int {
        Self.floats(images: 1, height: height, width: width, pixelStride: pixelStride, isPadded: isPadded)
    }

    /// A view of some channels of every pixel.
    package func channels(_ range: Range<Int>) -> Tensor {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= channels, "a view exceeds its tensor's channels")
        return Tensor(
            images: images, height: height, width: width, channels: range.count, pixelStride: pixelStride,
            isPadded: isPadded, storage: storage, offset: offset + range.lowerBound)
    }

    /// A view of one image.
    package func image(_ index: Int) -> Tensor {
        precondition(index >= 0 && index < images, "a view exceeds its tensor's images")
        return Tensor(
            images: 1, height: height, width: width, channels: channels, pixelStride: pixelStride,
            isPadded: isPadded, storage: storage, offset: offset + index * imageStride)
    }

    /// A view of some lines of one image of a plain map.
    func band(image: Int, lines: Range<Int>) -> Tensor {
        precondition(
            !isPadded && lines.lowerBound >= 0 && lines.upperBound <= height, "a band of a plain map")
        return Tensor(
            images: 1, height: lines.count, width: width, channels: channels, pixelStride: pixelStride,
            isPadded: false, storage: storage,
            offset: offset + image * imageStride + lines.lowerBound * width * pixelStride)
    }

    /// A view of rows of a matrix of one image.
    package func rows(_ range: Range<Int>) -> Tensor {
        precondition(images == 1 && height == 1 && !isPadded, "rows are cut from one matrix")
        precondition(range.lowerBound >= 0 && range.upperBound <= width, "a view exceeds its tensor's rows")
        return Tensor(
            images: 1, height: 1, width: range.count, channels: channels, pixelStride: pixelStride,
            isPadded: false, storage: storage, offset: offset + range.lowerBound * pixelStride)
    }

    /// The same rows seen as another number of images of another size.
    package func reshaped(images: Int, height: Int, width: Int) -> Tensor {
        precondition(!isPadded && images * height * width == rows, "a reshape keeps the number of rows")
        return Tensor(
            images: images, height: height, width: width, channels: channels, pixelStride: pixelStride,
            isPadded: false, storage: storage, offset: offset)
    }
}

extension Tensor {
    /// Scoped address of the first float (of the border, for a padded map).
    func withPointer<R>(_ body: (UnsafeMutablePointer<Float>) -> R) -> R {
        withExtendedLifetime(storage) { body(storage.pointer + offset) }
    }

    /// Offset from the first float to pixel (image, y, x), counted without the border.
    private func pixel(_ image: Int, _ y: Int, _ x: Int) -> Int {
        let border = isPadded ? 1 : 0
        return image * imageStride + ((y + border) * (width + 2 * border) + x + border) * pixelStride
    }

    /// The values in NHWC order, without padding.
    package func values() -> [Float] {
        [Float](unsafeUninitializedCapacity: rows * channels) { target, count in
            withPointer { source in
                var next = 0
                for image in 0..<images {
                    for y in 0..<height {
                        for x in 0..<width {
                            let from = source + pixel(image, y, x)
                            for channel in 0..<channels { target[next + channel] = from[channel] }
                            next += channels
                        }
                    }
                }
                count = next
            }
        }
    }

    /// The values in NCHW order, as PyTorch keeps them.
    package func valuesNCHW() -> [Float] {
        var values = [Float](repeating: 0, count: rows * channels)
        copyNCHW(into: &values)
        return values
    }

    /// Overwrites `target`, of as many numbers, with the values in NCHW order.
    package func copyNCHW(into target: inout [Float]) {
        precondition(target.count == rows * channels, "as many values as the tensor has")
        target.withUnsafeMutableBufferPointer { target in
            withPointer { source in
                var next = 0
                for image in 0..<images {
                    for channel in 0..<channels {
                        for y in 0..<height {
                            let row = source + pixel(image, y, 0) + channel
                            for x in 0..<width { target[next + x] = row[x * pixelStride] }
                            next += width
                        }
                    }
                }
            }
        }
    }

    /// Sets every value, and the border, to zero. For a tensor that is not a view of channels.
    package func clear() {
        precondition(pixelStride == channels, "a whole tensor is cleared")
        withPointer { $0.update(repeating: 0, count: images * imageStride) }
    }

    /// Overwrites the values with `source` in NHWC order.
    package func assign(_ source: [Float]) {
        precondition(source.count == rows * channels, "as many values as the tensor has")
        withPointer { target in
            var next = 0
            for image in 0..<images {
                for y in 0..<height {
                    for x in 0..<width {
                        let to = target + pixel(image, y, x)
                        for channel in 0..<channels { to[channel] = source[next + channel] }
                        next += channels
                    }
                }
            }
        }
    }

    /// Overwrites the values with `source` in NCHW order, as PyTorch keeps them.
    package func assignNCHW(_ source: [Float]) {
        precondition(source.count == rows * channels, "as many values as the tensor has")
        source.withUnsafeBufferPointer { source in
            withPointer { target in
                var next = 0
                for image in 0..<images {
                    for channel in 0..<channels {
                        for y in 0..<height {
                            let row = target + pixel(image, y, 0) + channel
                            for x in 0..<width { row[x * pixelStride] = source[next + x] }
                            next += width
                        }
                    }
                }
            }
        }
    }
}
