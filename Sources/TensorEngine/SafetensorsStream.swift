import Glibc

/// Writes a safetensors file one tensor after another, so that files may be larger than memory.
///
///     let stream = try SafetensorsStream(path: path, tensors: outline)
///     for tensor in outline { try stream.append(values(of: tensor)) }
///     try stream.finish()
package final class SafetensorsStream {
    /// A tensor that will be written.
    package struct Outline: Sendable, Hashable {
        /// Unique in its file.
        package let name: String
        /// Sizes, outermost first.
        package let shape: [Int]
        /// How elements are kept.
        package let type: Weights.ElementType

        /// A tensor that will be written.
        package init(name: String, shape: [Int], type: Weights.ElementType) {
            self.name = name
            self.shape = shape
            self.type = type
        }

        /// Number of elements.
        package var count: Int { shape.reduce(1, *) }
        /// Bytes of its elements.
        package var byteCount: Int { count * type.bytes }
    }

    private let path: String
    private let tensors: [Outline]
    private let file: UnsafeMutablePointer<FILE>
    private var next = 0
    private var isOpen = true

    /// Makes the file and writes its header; the tensors follow in the order of `tensors`.
    package init(
        path: String, tensors: [Outline], metadata: [String: String] = [:]
    ) throws(FileError) {
        guard let file = fopen(path, "wbe") else { throw FileError(path: path, code: errno) }
        self.path = path
        self.tensors = tensors
        self.file = file
        try SafetensorsWriter.header(tensors, metadata: metadata).withUnsafeBytes { bytes in
            Result { () throws(FileError) in try write(bytes) }
        }.get()
    }

    deinit { if isOpen { fclose(file) } }

    /// Writes the next tensor; `values` must fill its shape. They are rounded to its type.
    package func append(_ values: [Float]) throws(FileError) {
        precondition(
            next < tensors.count && values.count == tensors[next].count, "values of the next tensor")
        let type = tensors[next].type
        next += 1
        switch type {
        case .f32: try write(values)
        case .f16: try write(values.map { Float16($0).bitPattern })
        case .bf16: try write(values.map(Self.bf16))
        }
    }

    /// Ends the file after its last tensor.
    package func finish() throws(FileError) {
        precondition(next == tensors.count, "all tensors are written")
        isOpen = false
        guard fclose(file) == 0 else { throw FileError(path: path, code: errno) }
    }

    private func write<Element: BitwiseCopyable>(_ elements: [Element]) throws(FileError) {
        try elements.withUnsafeBytes { bytes in
            Result { () throws(FileError) in try write(bytes) }
        }.get()
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        guard fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count else {
            throw FileError(path: path, code: errno)
        }
    }

    /// The upper half of an f32, rounded to the nearest, ties to even. For finite values.
    private static func bf16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits + 0x7fff + (bits >> 16 & 1)) >> 16)
    }
}

extension Weights.ElementType {
    /// The format's name of the type.
    var safetensors: SafetensorsType {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        }
    }
}
