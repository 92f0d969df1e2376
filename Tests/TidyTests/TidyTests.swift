import Foundation
import Testing

struct TidyTests {
    private static func rules() throws -> TidyRules {
        let table = SourceFile.root.appending(path: "ARCHITECTURE.md")
        return TidyRules(architecture: try String(contentsOf: table, encoding: .utf8))
    }

    @Test func theSourcesKeepTheHouseRules() throws {
        let rules = try Self.rules()
        let files = try SourceFile.all()
        #expect(files.count > 10)
        let violations = files.flatMap(rules.violations)
        #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
    }

    @Test func everyTargetHasARowAndEveryRowATarget() throws {
        let sources = SourceFile.root.appending(path: "Sources").path()
        let targets = try FileManager.default.contentsOfDirectory(atPath: sources)
        #expect(Set(targets) == Set(try Self.rules().allowedImports.keys))
    }

    /// Each planted breach, with a part of the sentence that must name it.
    @Test(arguments: [
        ("Sources/Farm/A.swift", "import Foundation", "Farm may not import Foundation"),
        ("Sources/Client/A.swift", "internal import struct Store.Blob", "Client may not import Store"),
        ("Sources/TensorEngine/A.swift", "package import Diffusion", "TensorEngine may not import Diffusion"),
        ("Sources/Unknown/A.swift", "", "no row for the target Unknown"),
        ("Sources/Farm/A.swift", "struct Lease" + "Manager {}", "a type named LeaseManager"),
        ("Sources/Farm/A.swift", "// TO" + "DO later", "is banned"),
        ("Sources/Farm/A.swift", String(repeating: "x", count: 111), "111 characters"),
        ("Sources/Farm/A.swift", String(repeating: "\n", count: 502), "503 lines"),
        (
            "Sources/Farm/A.swift",
            "    func long(\n    ) {\n" + String(repeating: "        x()\n", count: 69) + "    }",
            "a function of 72 lines"
        ),
        (
            "Sources/CKernels/a.c",
            "static int long_one(int x) {\n" + String(repeating: "    x++;\n", count: 69) + "}",
            "a function of 71 lines"
        ),
    ])
    func aPlantedBreachIsFound(path: String, text: String, sentence: String) throws {
        let found = try Self.rules().violations(in: SourceFile(path: path, text: text))
        #expect(found.count == 1)
        #expect(found.first?.contains(sentence) == true, "\(found)")
    }

    @Test func allowedCodePasses() throws {
        let text =
            "import Farm\npackage import SwiftProtobuf\nimport Foundation\n\nfunc short() {\n    x()\n}\n"
        let file = SourceFile(path: "Sources/FarmProtocol/A.swift", text: text)
        #expect(try Self.rules().violations(in: file) == [])
    }
}
