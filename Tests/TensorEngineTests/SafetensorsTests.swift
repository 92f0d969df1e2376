import Glibc
import TensorEngine
import Testing

@Suite struct SafetensorsTests {
    /// A file whose header is `json` and whose data is `data` zero bytes.
    static func file(_ json: String, data: Int, length: UInt64? = nil) -> [UInt8] {
        let header = Array(json.utf8)
        let stated = length ?? UInt64(header.count)
        return withUnsafeBytes(of: stated.littleEndian, Array.init) + header
            + [UInt8](repeating: 0, count: data)
    }

    static func open(_ bytes: [UInt8]) throws(SafetensorsError) -> SafetensorsFile {
        try SafetensorsFile(bytes: bytes, name: "w.safetensors")
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        let bytes: [UInt8]
        let message: String
        var testDescription: String { message }

        init(_ bytes: [UInt8], _ message: String) {
            self.bytes = bytes
            self.message = message
        }

        /// A file of `data` bytes with this header.
        init(_ json: String, data: Int = 0, _ message: String) {
            self.init(SafetensorsTests.file(json, data: data), message)
        }
    }

    static let whole = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"

    static let brokenFiles = [
        Broken([], "not a safetensors file: it has 0 bytes, and the header's length alone takes 8."),
        Broken(
            [1, 0, 0, 0, 0, 0, 0],
            "not a safetensors file: it has 7 bytes, and the header's length alone takes 8."),
        Broken(
            file("{}", data: 0, length: 100_000_001),
            "not a safetensors file: it states a header of 100000001 bytes, and at most 100000000 are"
                + " allowed."
        ),
        Broken(
            file("{}", data: 0, length: .max),
            "not a safetensors file: it states a header of 18446744073709551615 bytes,"
                + " and at most 100000000 are allowed."),
        Broken(
            file("{}", data: 0, length: 3),
            "truncated: the header takes 11 bytes and the file has 10. Copy or download it again."),
        Broken("", "not a safetensors file: the header does not start with “{”."),
        Broken(" {}", "not a safetensors file: the header does not start with “{”."),
        Broken("[]", "not a safetensors file: the header does not start with “{”."),
        Broken("{", "the header is broken: the JSON ends too early."),
        Broken("{} x", "the header is broken: not valid JSON at byte 3."),
        Broken("{\"a\":1,}", "the header is broken: not valid JSON at byte 7."),
        Broken("{\"a\\ud800\":1}", "the header is broken: not valid JSON at byte 3."),
        Broken(
            file("{\"", data: 0, length: 3) + [0xff], "the header is broken: not valid UTF-8."),
        Broken(
            "{\"a\":" + String(repeating: "[", count: 1000),
            "the header is broken: the JSON is nested more than 64 deep."),
        Broken("{\"a\":1,\"a\":2}", "the header is broken: the key \"a\" appears twice."),
        Broken("{\"a\":1,\"\\u0061\":2}", "the header is broken: the key \"a\" appears twice."),
        Broken(
            "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\"}}",
            "the header is broken: the key \"dtype\" appears twice."),
        Broken("{\"__metadata__\":[]}", "“__metadata__” must be an object whose values are all strings."),
        Broken(
            "{\"__metadata__\":{\"a\":1}}", "“__metadata__” must be an object whose values are all strings."),
        Broken("{\"a\":[]}", "tensor “a” must be described by an object."),
        Broken("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", "tensor “a” lacks “data_offsets”."),
        Broken("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "tensor “a” lacks “shape”."),
        Broken("{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}", "tensor “a” lacks “dtype”."),
        Broken("{\"a\":{\"stride\":1}}", "tensor “a” has the unknown key “stride”."),
        Broken(tensor(type: "F128"), data: 8, "tensor “a” has the unknown dtype “F128”."),
        Broken(
            tensor(shape: "[-2]"), data: 8,
            "the shape of tensor “a” must be a list of whole numbers, none negative."),
        Broken(
            tensor(shape: "[2.0]"), data: 8,
            "the shape of tensor “a” must be a list of whole numbers, none negative."),
        Broken(
            tensor(shape: "2"), data: 8,
            "the shape of tensor “a” must be a list of whole numbers, none negative."),
        Broken(
            tensor(shape: "[4294967296,4294967296]"), data: 8,
            "tensor “a” has an impossible size: its bits do not fit 63 bits, or not whole bytes."),
        Broken(
            tensor(type: "F4", shape: "[3]"), data: 8,
            "tensor “a” has an impossible size: its bits do not fit 63 bits, or not whole bytes."),
        Broken(
            tensor(offsets: "[8,0]"), data: 8,
            "data_offsets of tensor “a” must be two whole numbers, the first not above the second."),
        Broken(
            tensor(offsets: "[0,8,9]"), data: 8,
            "data_offsets of tensor “a” must be two whole numbers, the first not above the second."),
        Broken(
            tensor(offsets: "[0,99999999999999999999]"), data: 8,
            "data_offsets of tensor “a” must be two whole numbers, the first not above the second."),
        Broken(
            whole, data: 7,
            "truncated: tensor “a” ends at byte 8 of the data and the file holds 7. Copy or download it"
                + " again."
        ),
        Broken(tensor(shape: "[3]"), data: 8, "tensor “a” has 8 bytes; its shape and dtype need 12."),
        Broken(whole, data: 9, "1 bytes at the end of the file belong to no tensor."),
        Broken("{}", data: 4, "4 bytes at the end of the file belong to no tensor."),
        Broken(tensor(offsets: "[4,12]"), data: 12, "4 bytes before tensor “a” belong to no tensor."),
        Broken(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
            data: 12, "tensors “a” and “b” overlap."),
    ]

    static func tensor(type: String = "F32", shape: String = "[2]", offsets: String = "[0,8]") -> String {
        "{\"a\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}}"
    }

    @Test(arguments: brokenFiles) func namesTheFault(_ broken: Broken) throws {
        let error = try #require(throws: SafetensorsError.self) { try Self.open(broken.bytes) }
        #expect(error.description == "w.safetensors: " + broken.message)
    }

    @Test func writtenFilesReadBack() throws {
        let tensors = [
            SafetensorsWriter.Tensor(name: "b", shape: [2, 3], values: [1, -2, 3.5, .infinity, 0, -0.0]),
            SafetensorsWriter.Tensor(name: "é \"\\\n", shape: [], values: [7]),
            SafetensorsWriter.Tensor(name: "empty", shape: [4, 0], values: []),
        ]
        let bytes = SafetensorsWriter.bytes(tensors, metadata: ["k": "v\u{1}", "format": "pt"])
        let file = try Self.open(bytes)
        #expect(file.entries.count == 3)
        #expect(file.metadata == ["k": "v\u{1}", "format": "pt"])
        for tensor in tensors {
            #expect(file.entries[tensor.name]?.shape == tensor.shape)
            #expect(try file.floats(tensor.name) == tensor.values)
        }
        let start = UInt64(bytes[0]) + UInt64(bytes[1]) << 8 + 8
        #expect(start.isMultiple(of: 8))
        #expect(
            bytes == SafetensorsWriter.bytes(tensors.reversed(), metadata: ["format": "pt", "k": "v\u{1}"]))
    }

    @Test func emptyFileIsValid() throws {
        #expect(try Self.open(Self.file("{}", data: 0)).entries.isEmpty)
        #expect(try Self.open(SafetensorsWriter.bytes([])).entries.isEmpty)
    }

    @Test(arguments: SafetensorsType.allCases) func everyTypeIsKnown(_ type: SafetensorsType) throws {
        let json = Self.tensor(type: type.rawValue, shape: "[8]", offsets: "[0,\(type.bits)]")
        let file = try Self.open(Self.file(json, data: type.bits))
        let readable: [SafetensorsType] = [.f32, .f16, .bf16]
        if readable.contains(type) {
            #expect(try file.floats("a") == [Float](repeating: 0, count: 8))
        } else {
            let error = try #require(throws: SafetensorsError.self) { try file.floats("a") }
            #expect(
                error.description
                    == "w.safetensors: tensor “a” has dtype \(type.rawValue); only F32, F16 and BF16 can"
                    + " be read here."
            )
        }
        if type == .i64 {
            #expect(try file.integers("a") == [Int64](repeating: 0, count: 8))
        } else {
            #expect(throws: SafetensorsError.self) { try file.integers("a") }
        }
    }

    /// Halves 1, −2 and 65504, bf16 1, −2 and 3.140625, at even and odd offsets of the file.
    @Test(arguments: [0, 1]) func widensHalves(pad: Int) throws {
        let halves: [UInt16] = [0x3c00, 0xc000, 0x7bff]
        let brains: [UInt16] = [0x3f80, 0xc000, 0x4049]
        let json =
            "{\"h\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[0,6]},"
            + "\"m\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[12,20]},"
            + "\"n\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[6,12]}}"
            + String(repeating: " ", count: pad)
        var bytes = Self.file(json, data: 0)
        for word in halves + brains { withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) } }
        withUnsafeBytes(of: Int64(-5)) { bytes.append(contentsOf: $0) }
        let file = try Self.open(bytes)
        #expect(try file.floats("h") == [1, -2, 65504])
        #expect(try file.floats("n") == [1, -2, 3.140625])
        #expect(try file.integers("m") == [-5])
        let error = try #require(throws: SafetensorsError.self) { try file.floats("x") }
        #expect(error.description == "w.safetensors: has no tensor “x”.")
    }

    /// Thousands of damaged files: each opens or is refused, none stops the process.
    @Test func damagedFilesNeverTrap() throws {
        let good = SafetensorsWriter.bytes(
            [
                .init(name: "first", shape: [2, 2], values: [1, 2, 3, 4]),
                .init(name: "second", shape: [3], values: [5, 6, 7]),
            ], metadata: ["format": "pt"])
        var random = SplitMix64(state: 2026)
        var refused = 0
        let tokens = Array("{}[]\":,-0129eE.\\u\u{ff} ".utf8)
        for _ in 0..<6000 {
            var bytes = good
            for _ in 0...Int(random.next() % 3) {
                let place = Int(random.next() % UInt64(bytes.count - 28))
                switch random.next() % 5 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[place] = tokens[Int(random.next() % UInt64(tokens.count))]
                case 2: bytes.remove(at: place)
                case 3: bytes.insert(tokens[Int(random.next() % UInt64(tokens.count))], at: place)
                default: bytes[Int(random.next() % 8)] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            do {
                let file = try Self.open(bytes)
                for name in file.entries.keys { _ = try? file.floats(name) }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 3000)
    }

    @Test func everyCutIsRefused() {
        let good = SafetensorsWriter.bytes([.init(name: "t", shape: [4], values: [1, 2, 3, 4])])
        for count in 0..<good.count {
            #expect(throws: SafetensorsError.self) { try Self.open(Array(good.prefix(count))) }
        }
    }
}

/// Files on disk.
@Suite struct SafetensorsFileTests {
    /// A new file with `bytes`; the caller unlinks it.
    static func write(_ bytes: [UInt8]) throws -> String {
        var template = Array("/tmp/safetensors-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        return String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    @Test func mapsAndReads() throws {
        let values = (0..<5000).map { Float($0) }
        let path = try Self.write(
            SafetensorsWriter.bytes([.init(name: "t", shape: [50, 100], values: values)]))
        let file = try SafetensorsFile(path: path)
        unlink(path)
        #expect(try file.floats("t") == values)
    }

    @Test func aFileThatShrinksIsNoticed() throws {
        let path = try Self.write(
            SafetensorsWriter.bytes([
                .init(name: "t", shape: [4096], values: .init(repeating: 1, count: 4096))
            ]))
        defer { unlink(path) }
        let file = try SafetensorsFile(path: path)
        #expect(truncate(path, 100) == 0)
        let error = try #require(throws: SafetensorsError.self) { try file.floats("t") }
        #expect(
            error.description
                == "\(path): cannot be read: the file changed while it was in use; start again once it"
                + " is complete."
        )
    }

    @Test func unreadablePathsSayWhy() throws {
        for (path, reason) in [
            ("/nonexistent/w.safetensors", "the file does not exist"), ("/tmp", "it is a folder, not a file"),
            ("/dev/null", "it is not a regular file"),
        ] {
            let error = try #require(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
            #expect(error.description == "\(path): cannot be read: \(reason).")
        }
    }
}

/// A small random generator (Steele, Lea & Flood 2014), so that a failure can be repeated.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
