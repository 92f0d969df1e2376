/// The element types of the safetensors format.
package enum SafetensorsType: String, Sendable, Hashable, CaseIterable {
    case bool = "BOOL"
    case f4 = "F4"
    case f6E2M3 = "F6_E2M3"
    case f6E3M2 = "F6_E3M2"
    case u8 = "U8"
    case i8 = "I8"
    case f8E5M2 = "F8_E5M2"
    case f8E4M3 = "F8_E4M3"
    case f8E8M0 = "F8_E8M0"
    case f8E4M3FNUZ = "F8_E4M3FNUZ"
    case f8E5M2FNUZ = "F8_E5M2FNUZ"
    case i16 = "I16"
    case u16 = "U16"
    case f16 = "F16"
    case bf16 = "BF16"
    case i32 = "I32"
    case u32 = "U32"
    case f32 = "F32"
    case c64 = "C64"
    case f64 = "F64"
    case i64 = "I64"
    case u64 = "U64"

    /// Bits an element.
    package var bits: Int {
        switch self {
        case .f4: 4
        case .f6E2M3, .f6E3M2: 6
        case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0, .f8E4M3FNUZ, .f8E5M2FNUZ: 8
        case .i16, .u16, .f16, .bf16: 16
        case .i32, .u32, .f32: 32
        case .c64, .f64, .i64, .u64: 64
        }
    }
}

/// One tensor of a safetensors file.
package struct SafetensorsEntry: Sendable, Hashable {
    /// The element type.
    package let type: SafetensorsType
    /// Sizes, outermost first; empty for a single value.
    package let shape: [Int]
    /// Bytes of the file that hold the elements, little-endian, in C order.
    package let range: Range<Int>

    /// Number of elements: the product of `shape`.
    package var count: Int { shape.reduce(1, *) }
}

/// A file that is not valid safetensors, or a tensor that it cannot give.
package struct SafetensorsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's path, or what the bytes are called.
    package let file: String
    /// What is wrong.
    package let reason: Reason

    /// What can be wrong; the first text is the tensor's name.
    package enum Reason: Hashable, Sendable {
        case unreadable(String)
        case tooShort(bytes: Int)
        case headerTooLong(bytes: UInt64)
        case headerBeyondEnd(header: Int, file: Int)
        case headerNotObject
        case headerBroken(JSONError)
        case metadataNotStrings
        case entryNotObject(String)
        case unknownKey(String, key: String)
        case missingKey(String, key: String)
        case unknownType(String, type: String)
        case badShape(String)
        case tooLarge(String)
        case badOffsets(String)
        case outOfBounds(String, end: Int, data: Int)
        case wrongLength(String, bytes: Int, expected: Int)
        case overlap(String, String)
        case hole(before: String, bytes: Int)
        case unusedEnd(bytes: Int)
        case noTensor(String)
        case unsupportedType(String, type: SafetensorsType, wanted: String)
    }

    /// An error about the file of this name.
    package init(file: String, reason: Reason) {
        self.file = file
        self.reason = reason
    }

    /// A sentence for the user.
    package var description: String { "\(file): \(reason.sentence)" }
}

extension SafetensorsError.Reason {
    /// What is wrong, as a sentence that follows the file's name.
    fileprivate var sentence: String {
        switch self {
        case .unreadable(let reason): "cannot be read: \(reason)."
        case .tooShort(let bytes):
            "not a safetensors file: it has \(bytes) bytes, and the header's length alone takes 8."
        case .headerTooLong(let bytes):
            "not a safetensors file: it states a header of \(bytes) bytes, and at most 100000000 are allowed."
        case .headerBeyondEnd(let header, let file):
            "truncated: the header takes \(header) bytes and the file has \(file). Copy or download it again."
        case .headerNotObject: "not a safetensors file: the header does not start with “{”."
        case .headerBroken(let error): "the header is broken: \(error)."
        case .metadataNotStrings: "“__metadata__” must be an object whose values are all strings."
        case .noTensor(let name): "has no tensor “\(name)”."
        case .unusedEnd(let bytes): "\(bytes) bytes at the end of the file belong to no tensor."
        case .hole(let name, let bytes): "\(bytes) bytes before tensor “\(name)” belong to no tensor."
        case .overlap(let first, let second): "tensors “\(first)” and “\(second)” overlap."
        default: tensorSentence
        }
    }

    private var tensorSentence: String {
        switch self {
        case .entryNotObject(let name): "tensor “\(name)” must be described by an object."
        case .unknownKey(let name, let key): "tensor “\(name)” has the unknown key “\(key)”."
        case .missingKey(let name, let key): "tensor “\(name)” lacks “\(key)”."
        case .unknownType(let name, let type): "tensor “\(name)” has the unknown dtype “\(type.prefix(40))”."
        case .badShape(let name):
            "the shape of tensor “\(name)” must be a list of whole numbers, none negative."
        case .tooLarge(let name):
            "tensor “\(name)” has an impossible size: its bits do not fit 63 bits, or not whole bytes."
        case .badOffsets(let name):
            "data_offsets of tensor “\(name)” must be two whole numbers, the first not above the second."
        case .outOfBounds(let name, let end, let data):
            "truncated: tensor “\(name)” ends at byte \(end) of the data and the file holds \(data)."
                + " Copy or download it again."
        case .wrongLength(let name, let bytes, let expected):
            "tensor “\(name)” has \(bytes) bytes; its shape and dtype need \(expected)."
        case .unsupportedType(let name, let type, let wanted):
            "tensor “\(name)” has dtype \(type.rawValue); only \(wanted) can be read here."
        default: ""
        }
    }
}
