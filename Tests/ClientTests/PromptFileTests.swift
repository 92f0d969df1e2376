import Client
import Farm
import Foundation
import Testing

@Suite struct PromptFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(
        path: "prompts-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func open(
        _ name: String, _ bytes: [UInt8], format: PromptFormat? = nil, defaults: PromptDefaults? = nil
    ) throws -> PromptFile {
        let file = folder.appending(path: name)
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try PromptFile(path: file.path, format: format, defaults: defaults ?? PromptDefaults())
    }

    private func pictures(_ file: PromptFile) throws -> [ImageRequest] {
        var reader = file.pictures()
        var all: [ImageRequest] = []
        while let picture = try reader.next() { all.append(picture) }
        return all
    }

    struct Good: Sendable {
        var name: String
        var text: String
        /// Prompt, seed, size.
        var expected: [String]
    }

    @Test(arguments: [
        Good(name: "a.txt", text: "a cat", expected: ["a cat|100|64"]),
        Good(
            name: "crlf.txt", text: "\u{FEFF}a cat\r\n\r\n  \n# 7 dogs\n红苹果\n",
            expected: ["a cat|100|64", "# 7 dogs|101|64", "红苹果|102|64"]),
        Good(
            name: "a.csv",
            text: "prompt,seed,size,count\n\"a, \"\"b\"\"\",7,256,2\n\nc,,,\n\"d\ne\",1,1024,1\n",
            expected: ["a, \"b\"|7|256", "a, \"b\"|8|256", "c|102|64", "d\ne|1|1024"]),
        Good(name: "one.csv", text: "prompt\ncat\n", expected: ["cat|100|64"]),
        Good(
            name: "a.jsonl",
            text: #"{"prompt":"cat","seed":18446744073709551615,"count":2}"# + "\n\n"
                + #" {"size":256,"prompt":"dog"}"#,
            expected: ["cat|18446744073709551615|64", "cat|0|64", "dog|102|256"]),
        Good(name: "A.JSONL", text: #"{"prompt":"\u732b"}"#, expected: ["猫|100|64"]),
    ])
    func reads(_ good: Good) throws {
        let file = try open(good.name, Array(good.text.utf8), defaults: PromptDefaults(seed: 100))
        #expect(try pictures(file).map { "\($0.prompt)|\($0.seed)|\($0.options.size)" } == good.expected)
        #expect(file.pictureCount == good.expected.count)
    }

    @Test func defaultsHoldUnlessTheLineSaysOtherwise() throws {
        let defaults = try PromptDefaults(
            size: 256, seed: 5, count: 2, steps: ["prior": 3], guidance: 2, precision: .exact)
        let text =
            #"{"prompt":"a"}"# + "\n" + #"{"prompt":"b","steps":{"base64":9},"guidance":1.5,"count":1}"#
        let all = try pictures(try open("a.jsonl", Array(text.utf8), defaults: defaults))
        let prior = StepOverride(stage: StageName("prior"), steps: 3)
        let base = StepOverride(stage: StageName("base64"), steps: 9)
        #expect(all.map(\.seed) == [5, 6, 7])
        #expect(all.map(\.options.steps) == [[prior], [prior], [base]])
        #expect(all.map(\.options.guidance) == [2, 2, 1.5])
    }

    @Test func longFilesAreReadInPieces() throws {
        let prompts = (0..<5000).map { "prompt number \($0) " + String(repeating: "x", count: 1 + $0 % 97) }
        let file = try open("long.txt", Array(prompts.joined(separator: "\n").utf8))
        #expect(try pictures(file).map(\.prompt) == prompts)
    }

    struct Bad: Sendable {
        var name: String
        var bytes: [UInt8]
        var message: String

        init(_ name: String, _ text: String, _ message: String) {
            self.init(name, Array(text.utf8), message)
        }

        init(_ name: String, _ bytes: [UInt8], _ message: String) {
            self.name = name
            self.bytes = bytes
            self.message = message
        }
    }

    static let known = "known are prompt, seed, size, count, steps, guidance."

    @Test(arguments: [
        Bad("a.txt", "", " holds no prompt; write at least one."),
        Bad("a.txt", "\n \r\n", " holds no prompt; write at least one."),
        Bad("a.csv", "", " holds no prompt; write at least one."),
        Bad("a.csv", "prompt\n", " holds no prompt; write at least one."),
        Bad(
            "a.txt", Array("ok\n".utf8) + [0xFF, 0xFE],
            ":2: The line is not valid UTF-8; save the file as UTF-8."),
        Bad("a.txt", "a\0b", ":1: The prompt holds the character NUL; remove it."),
        Bad(
            "a.txt", String(repeating: "x", count: 65_537),
            ":1: The prompt has 65537 bytes; at most 65536 are allowed."),
        Bad(
            "a.txt", "ok\n" + String(repeating: "x", count: 300_000),
            ":2: The line is longer than 262144 bytes; shorten it."),
        Bad(
            "a.jsonl", "{\"prompt\":\"ok\"}\n{\"prompt\":",
            ":2: The line is not a JSON object; write for example {\"prompt\": \"a rose\"}."),
        Bad(
            "a.jsonl", "[1]",
            ":1: The line is not a JSON object; write for example {\"prompt\": \"a rose\"}."),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\"} x",
            ":1: The line is not a JSON object; write for example {\"prompt\": \"a rose\"}."),
        Bad("a.jsonl", "{\"prompt\":\"a\",\"sized\":3}", ":1: The field \"sized\" is not known; " + known),
        Bad("a.jsonl", "{\"seed\":1}", ":1: The field \"prompt\" is missing; add it."),
        Bad("a.jsonl", "{\"prompt\":7}", ":1: The field \"prompt\" must be a text."),
        Bad("a.jsonl", "{\"prompt\":\" \"}", ":1: The prompt is empty; write what to draw."),
        Bad("a.jsonl", "{\"prompt\":\"a\",\"size\":300}", ":1: The size is 300; it must be 64, 256 or 1024."),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\",\"size\":\"64\"}", ":1: The field \"size\" must be 64, 256 or 1024."
        ),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\",\"seed\":-1}",
            ":1: The field \"seed\" must be a whole number from 0 to 18446744073709551615."),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\",\"count\":0}",
            ":1: The count is 0; it must be a whole number from 1 to 1000000."),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\",\"count\":1000000000}",
            ":1: The count is 1000000000; it must be a whole number from 1 to 1000000."),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\",\"count\":600000}\n{\"prompt\":\"a\",\"count\":600000}",
            ":2: The job has more than 1000000 pictures here; split it."),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\",\"guidance\":101}",
            ":1: The guidance is 101.0; it must be a number from 0 to 50."),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\",\"steps\":25}",
            ":1: The field \"steps\" must be an object such as {\"base64\": 25}."),
        Bad(
            "a.jsonl", "{\"prompt\":\"a\",\"steps\":{\"prior\":0}}",
            ":1: The steps are prior=0; write STAGE=NUMBER, such as base64=25, with numbers from 2 to 1000."),
        Bad("a.csv", "prompt,colour\na,b\n", ":1: The field \"colour\" is not known; " + known),
        Bad("a.csv", "prompt,seed,seed\na,1,1\n", ":1: The field \"seed\" stands there twice; keep one."),
        Bad("a.csv", "seed\n1\n", ":1: The field \"prompt\" is missing; add it."),
        Bad("a.csv", "prompt,seed\n,1\n", ":2: The prompt is empty; write what to draw."),
        Bad("a.csv", "prompt,seed\na\n", ":2: The record is broken: it has 1 cells, the header has 2."),
        Bad(
            "a.csv", "prompt\n\"a\nb\n",
            ":2: The record is broken: a quoted cell never ends; close it with a quotation mark."),
        Bad(
            "a.csv", "prompt\n\"a\"b\n",
            ":2: The record is broken: after a closing quotation mark comes neither comma nor line end."
        ),
        Bad(
            "a.csv", "prompt\na\"b\n",
            ":2: The record is broken: a quotation mark stands inside an unquoted cell; "
                + "quote the cell and double the mark."),
        Bad("a.csv", "prompt,size\na,300\n", ":2: The size is 300; it must be 64, 256 or 1024."),
        Bad(
            "a.csv", "prompt,seed\na,x\n",
            ":2: The seed is x; it must be a whole number from 0 to 18446744073709551615."),
        Bad(
            "a.csv", "prompt,guidance\na,nan\n", ":2: The guidance is nan; it must be a number from 0 to 50."
        ),
    ])
    func refusesWithFileAndLine(_ bad: Bad) throws {
        let error = #expect(throws: PromptFileError.self) { try open(bad.name, bad.bytes) }
        #expect(error?.description == folder.appending(path: bad.name).path + bad.message)
    }

    @Test func missingFileIsNamed() throws {
        let path = folder.appending(path: "no.txt").path
        let error = #expect(throws: PromptFileError.self) {
            try PromptFile(path: path, defaults: PromptDefaults())
        }
        #expect(error?.description == "The prompts file \(path) cannot be read: no such file or directory.")
    }

    @Test func folderIsNotAFile() throws {
        let error = #expect(throws: PromptFileError.self) {
            try PromptFile(path: folder.path, format: .txt, defaults: PromptDefaults())
        }
        #expect(error?.description == "The prompts file \(folder.path) cannot be read: it is a folder.")
    }

    @Test func unknownEndingAsksForAFormat() throws {
        let error = #expect(throws: PromptFileError.self) { try open("prompts", [65]) }
        let path = folder.appending(path: "prompts").path
        #expect(
            error?.description
                == "The name \(path) tells no format; a prompts file ends in .txt, .csv or .jsonl.")
    }

    @Test func pipeIsSpooled() throws {
        let path = folder.appending(path: "pipe").path
        #expect(mkfifo(path, 0o600) == 0)
        let writer = Thread {
            try? Data("a cat\na dog\n".utf8).write(to: URL(filePath: path), options: [])
        }
        writer.start()
        let file = try PromptFile(path: path, format: .txt, defaults: PromptDefaults())
        #expect(try pictures(file).map(\.prompt) == ["a cat", "a dog"])
    }

    @Test(arguments: [
        ("base64=25", ["base64": 25]), ("prior=4, base64=2;up256=3", ["prior": 4, "base64": 2, "up256": 3]),
    ])
    func stepsAreReadFromText(text: String, expected: [String: Int]) throws {
        #expect(try RequestCheck.steps(text) == expected)
    }

    @Test(arguments: ["", "25", "a=", "=3", "a=1,a=2", "a=1001", "A=1", "a=1=2"])
    func brokenStepsAreRefused(text: String) {
        #expect(throws: RequestError.self) { try RequestCheck.steps(text) }
    }
}
