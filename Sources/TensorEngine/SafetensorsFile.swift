/// A safetensors file (https://github.com/huggingface/safetensors), checked against every rule of the
/// format when it is opened; the tensors themselves are read on demand.
package final class SafetensorsFile: Sendable {
    /// The file's path, or what the bytes are called in messages.
    package let name: String
    /// Bytes of the whole file.
    package let byteCount: Int
    /// The tensors by name.
    package let entries: [String: SafetensorsEntry]
    /// The header's free text.
    package let metadata: [String: String]
    private let source: Source

    private enum Source: Sendable {
        case file(MappedFile)
        case bytes([UInt8])
    }

    /// Maps and checks the file at `path`.
    package convenience init(path: String) throws(SafetensorsError) {
        do {
            try self.init(name: path, source: .file(MappedFile(path: path)))
        } catch let error as SafetensorsError {
            throw error
        } catch let error as FileError {
            throw SafetensorsError(file: path, reason: .unreadable(error.reason))
        } catch {
            throw SafetensorsError(file: path, reason: .unreadable("\(error)"))
        }
    }

    /// Checks a file that is in memory; `name` stands for it in messages.
    package convenience init(bytes: [UInt8], name: String) throws(SafetensorsError) {
        try self.init(name: name, source: .bytes(bytes))
    }

    private init(name: String, source: Source) throws(SafetensorsError) {
        let header = try Self.withBytes(of: source, name: name) { bytes in
            Result { () throws(SafetensorsError) in try SafetensorsHeader(bytes: bytes, file: name) }
        }.get()
        self.name = name
        self.source = source
        byteCount = header.byteCount
        entries = header.entries
        metadata = header.metadata
    }

    /// The tensor's elements where they lie. Takes F32, F16 and BF16.
    package func weights(_ tensor: String) throws(SafetensorsError) -> Weights {
        let entry = try entry(tensor)
        let type: Weights.ElementType
        switch entry.type {
        case .f32: type = .f32
        case .f16: type = .f16
        case .bf16: type = .bf16
        default: throw failure(.unsupportedType(tensor, type: entry.type, wanted: "F32, F16 and BF16"))
        }
        let (offset, count) = (entry.range.lowerBound, entry.count)
        return switch source {
        case .file(let file): Weights(file: file, offset: offset, count: count, type: type)
        case .bytes(let bytes): Weights(bytes: bytes, offset: offset, count: count, type: type)
        }
    }

    /// The tensor's elements as f32, in C order. Reads F32, F16 and BF16.
    package func floats(_ tensor: String) throws(SafetensorsError) -> [Float] {
        try checkUnchanged()
        return try weights(tensor).floats()
    }

    /// Throws when the file is no longer what was opened. Whoever computes with `weights` asks between steps.
    package func checkUnchanged() throws(SafetensorsError) {
        try Self.withBytes(of: source, name: name) { _ in }
    }

    /// Tells the system that all tensors will be read soon.
    package func prefetch() {
        if case .file(let file) = source { file.prefetch() }
    }

    /// The tensor's elements, in C order. Reads I64.
    package func integers(_ tensor: String) throws(SafetensorsError) -> [Int64] {
        let entry = try entry(tensor)
        guard entry.type == .i64 else {
            throw failure(.unsupportedType(tensor, type: entry.type, wanted: "I64"))
        }
        return try Self.withBytes(of: source, name: name) { bytes in
            stride(from: entry.range.lowerBound, to: entry.range.upperBound, by: 8).map { offset in
                Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
            }
        }
    }

    private func entry(_ tensor: String) throws(SafetensorsError) -> SafetensorsEntry {
        guard let entry = entries[tensor] else { throw failure(.noTensor(tensor)) }
        return entry
    }

    private func failure(_ reason: SafetensorsError.Reason) -> SafetensorsError {
        SafetensorsError(file: name, reason: reason)
    }

    private static func withBytes<Value>(
        of source: Source, name: String, _ body: (UnsafeRawBufferPointer) -> Value
    ) throws(SafetensorsError) -> Value {
        switch source {
        case .bytes(let bytes): return bytes.withUnsafeBytes(body)
        case .file(let file):
            do {
                return try file.withBytes(body)
            } catch {
                throw SafetensorsError(file: name, reason: .unreadable(error.reason))
            }
        }
    }
}
