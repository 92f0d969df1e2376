import CKernels

extension ComputeContext {
    /// 2×2 mean of a map of even height and width, into `target` or a new map.
    package func averagePool2(_ x: Tensor, isPadded: Bool = false, into target: Tensor? = nil) -> Tensor {
        precondition(x.height % 2 == 0 && x.width % 2 == 0 && !x.isPadded, "pooling halves an even map")
        let y =
            target
            ?? map(
                images: x.images, height: x.height / 2, width: x.width / 2, channels: x.channels,
                isPadded: isPadded)
        precondition(
            x.rows == 4 * y.rows && y.channels == x.channels && y.isPadded == isPadded, "half the size")
        measured(.traffic("average pool", x, passes: 1.25)) {
            x.withPointer { from in
                y.withPointer { to in
                    ck_average_pool2(
                        kernels, x.images, x.height, x.width, x.channels, from, x.pixelStride, isPadded, to,
                        y.pixelStride)
                }
            }
        }
        return y
    }

    /// Every pixel four times, into `target` or a new map.
    package func nearestUp2(_ x: Tensor, isPadded: Bool = false, into target: Tensor? = nil) -> Tensor {
        precondition(!x.isPadded, "a plain map is enlarged")
        let y =
            target
            ?? map(
                images: x.images, height: x.height * 2, width: x.width * 2, channels: x.channels,
                isPadded: isPadded)
        precondition(
            y.rows == 4 * x.rows && y.channels == x.channels && y.isPadded == isPadded, "twice the size")
        measured(.traffic("nearest up", x, passes: 5)) {
            x.withPointer { from in
                y.withPointer { to in
                    ck_nearest_up2(
                        kernels, x.images, x.height, x.width, x.channels, from, x.pixelStride, isPadded, to,
                        y.pixelStride)
                }
            }
        }
        return y
    }

    /// Bicubic resampling, antialiased (Keys, a = −0.5), as PyTorch's `interpolate(mode: bicubic, antialias:
    /// true)`.
    package func bicubic(_ x: Tensor, height: Int, width: Int) -> Tensor {
        precondition(!x.isPadded, "a plain map is resampled")
        let y = map(images: x.images, height: height, width: width, channels: x.channels)
        measured(.traffic("bicubic", y, passes: 1)) {
            x.withPointer { from in
                y.withPointer { to in
                    ck_bicubic(
                        kernels, x.images, x.height, x.width, x.channels, from, x.pixelStride, height, width,
                        to,
                        y.pixelStride)
                }
            }
        }
        return y
    }

    /// Copies a plain map into `target` of the same size, plain or padded (then its border becomes zeros).
    package func copy(_ x: Tensor, into target: Tensor) {
        precondition(
            !x.isPadded && x.images == target.images && x.height == target.height && x.width == target.width
                && x.channels == target.channels, "a copy keeps the size")
        measured(.traffic("copy", x, passes: 2)) {
            x.withPointer { from in
                target.withPointer { to in
                    ck_copy_map(
                        kernels, x.images, x.height, x.width, x.channels, from, x.pixelStride,
                        target.isPadded, to,
                        target.pixelStride)
                }
            }
        }
    }

    /// activation(x) of a contiguous tensor.
    package func activate(_ activation: Activation, _ x: Tensor) -> Tensor {
        precondition(x.pixelStride == x.channels && !x.isPadded, "contiguous operands")
        let y = map(images: x.images, height: x.height, width: x.width, channels: x.channels)
        x.withPointer { from in
            y.withPointer { to in ck_activate(kernels, activation.code, from, to, x.rows * x.channels) }
        }
        return y
    }

    /// a + b of contiguous tensors of one size, into `target` (may be either) or a new one.
    package func add(_ a: Tensor, _ b: Tensor, into target: Tensor? = nil) -> Tensor {
        let y = target ?? map(images: a.images, height: a.height, width: a.width, channels: a.channels)
        precondition(
            [a, b, y].allSatisfy {
                $0.pixelStride == a.channels && $0.channels == a.channels && $0.rows == a.rows && !$0.isPadded
            }, "contiguous operands of one size")
        a.withPointer { a in
            b.withPointer { b in
                y.withPointer { to in ck_add(kernels, a, b, to, y.rows * y.channels) }
            }
        }
        return y
    }
}
