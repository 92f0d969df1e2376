import CKernels

/// A tensor's elements where they lie, in C order and usually in a mapped file: nothing is copied, and
/// processes that map the same file share the memory. Copies of a `Weights` share the elements.
///
/// Reading in place does not notice that the file changes meanwhile: `SafetensorsFile.checkUnchanged` does.
package struct Weights: Sendable {
    /// What an element is.
    package enum ElementType: String, Sendable, Hashable, CaseIterable { case f32, f16, bf16 }

    private enum Owner: Sendable {
        case file(MappedFile)
        case bytes([UInt8])
        case floats([Float])
        /// A network that is only described has no values.
        case nothing
    }

    /// Number of elements.
    package let count: Int
    /// What an element is.
    package let type: ElementType
    private let owner: Owner
    /// Bytes before the first element.
    private let offset: Int

    private init(count: Int, type: ElementType, owner: Owner, offset: Int) {
        self.count = count
        self.type = type
        self.owner = owner
        self.offset = offset
    }

    /// Elements in memory.
    package init(_ values: [Float]) {
        self.init(count: values.count, type: .f32, owner: .floats(values), offset: 0)
    }

    /// Stands for `count` elements that nobody reads: those of a network that is only described.
    package static func undefined(count: Int) -> Weights {
        Weights(count: count, type: .f32, owner: .nothing, offset: 0)
    }

    /// `count` elements of a file from byte `offset` on, which lie within it.
    init(file: MappedFile, offset: Int, count: Int, type: ElementType) {
        self.init(count: count, type: type, owner: .file(file), offset: offset)
    }

    /// `count` elements of `bytes` from byte `offset` on, which lie within them.
    init(bytes: [UInt8], offset: Int, count: Int, type: ElementType) {
        self.init(count: count, type: type, owner: .bytes(bytes), offset: offset)
    }

    /// The elements as the hot loops read them, within a scope.
    func withWeights<Value>(_ body: (ck_weights) -> Value) -> Value {
        withAddress { body(ck_weights(values: $0, type: type.code)) }
    }

    /// Scoped address of the first element, which need not be aligned.
    private func withAddress<Value>(_ body: (UnsafeRawPointer?) -> Value) -> Value {
        switch owner {
        case .file(let file): file.withUncheckedBytes { body($0.baseAddress.map { $0 + offset }) }
        case .bytes(let bytes): bytes.withUnsafeBytes { body($0.baseAddress.map { $0 + offset }) }
        case .floats(let floats): floats.withUnsafeBytes { body($0.baseAddress) }
        case .nothing: preconditionFailure("weights that are not there are read")
        }
    }

    /// The elements as f32; zeros for undefined ones.
    package func floats() -> [Float] { floats(0..<count) }

    /// Some of the elements as f32; zeros for undefined ones.
    package func floats(_ range: Range<Int>) -> [Float] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "elements of the tensor")
        if case .nothing = owner { return [Float](repeating: 0, count: range.count) }
        return [Float](unsafeUninitializedCapacity: range.count) { floats, initialized in
            initialized = range.count
            guard let target = floats.baseAddress, !range.isEmpty else { return }
            withAddress { start in
                guard let start else { return }
                widen(start + range.lowerBound * type.bytes, range.count, into: target)
            }
        }
    }

    /// The format of the file does not promise alignment, so 16-bit elements at odd places are copied first.
    private func widen(_ start: UnsafeRawPointer, _ count: Int, into target: UnsafeMutablePointer<Float>) {
        guard type != .f32 else {
            UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: 4 * count)
            return
        }
        let widen = type == .f16 ? ck_f16_to_f32 : ck_bf16_to_f32
        guard !UInt(bitPattern: start).isMultiple(of: 2) else {
            return widen(start.assumingMemoryBound(to: UInt16.self), target, count)
        }
        let halves = [UInt16](unsafeUninitializedCapacity: count) { halves, initialized in
            UnsafeMutableRawBufferPointer(halves).copyMemory(
                from: UnsafeRawBufferPointer(start: start, count: 2 * count))
            initialized = count
        }
        widen(halves, target, count)
    }
}

extension Weights.ElementType {
    /// Bytes an element.
    package var bytes: Int { self == .f32 ? 4 : 2 }

    fileprivate var code: ck_type {
        switch self {
        case .f32: CK_TYPE_F32
        case .f16: CK_TYPE_F16
        case .bf16: CK_TYPE_BF16
        }
    }
}
