import Foundation

/// The house rules of STYLE that a machine can check. Each returns sentences that name file and line.
struct TidyRules {
    static let longestLine = 110
    static let longestFunction = 70
    static let longestFile = 500

    /// Modules that come with the toolchain.
    private static let own: Set = [
        "Swift", "Foundation", "FoundationEssentials", "Glibc", "Synchronization", "Dispatch",
    ]
    /// What one package product brings under other module names.
    private static let modulesOfProduct = [
        "Collections": ["Collections", "OrderedCollections", "DequeModule", "HeapModule"]
    ]
    /// The pure room, where even the toolchain's clock and input are out of bounds.
    private static let pureTargets: Set = ["Farm"]

    /// Target → modules that it may import, from the table in ARCHITECTURE.md.
    let allowedImports: [String: Set<String>]

    init(architecture: String) {
        var allowed: [String: Set<String>] = [:]
        for line in architecture.split(separator: "\n") where line.hasPrefix("| `") {
            let cells = line.split(separator: "|").map { $0.split(separator: "`").map(String.init) }
            guard cells.count == 3, cells[0].count > 1 else { continue }
            let names = cells[2].filter { $0.allSatisfy { $0.isLetter } }
            allowed[cells[0][1]] = Set(names.flatMap { Self.modulesOfProduct[$0] ?? [$0] })
        }
        allowedImports = allowed
    }

    func violations(in file: SourceFile) -> [String] {
        let everywhere = imports(in: file) + bannedWords(in: file)
        return file.isGenerated ? imports(in: file) : everywhere + lengths(in: file) + functions(in: file)
    }

    private func imports(in file: SourceFile) -> [String] {
        guard file.isSwift, let target = file.target else { return [] }
        guard let allowed = allowedImports[target] else {
            return ["\(file.path): ARCHITECTURE.md has no row for the target \(target)"]
        }
        let own = Self.pureTargets.contains(target) ? [] : Self.own
        return file.lines.enumerated().compactMap { index, line in
            guard let module = Self.importedModule(line), !allowed.contains(module), !own.contains(module)
            else { return nil }
            return "\(file.path):\(index + 1): \(target) may not import \(module)"
        }
    }

    private static func importedModule(_ line: String) -> String? {
        guard line.contains("import ") else { return nil }
        let access = "(?:@\\w+\\s+|(?:package|public|internal|private|fileprivate)\\s+)*"
        let kind = "(?:(?:struct|class|enum|protocol|func|var|typealias)\\s+)?"
        let pattern = try? Regex("^\\s*\(access)import\\s+\(kind)(\\w+)", as: (Substring, Substring).self)
        return pattern.flatMap { line.firstMatch(of: $0) }.map { String($0.1) }
    }

    /// What a banned line contains: looked for first, because patterns are slow.
    private static let suspects = ["Manager", "Helper", "Utils", "TO" + "DO", "FIX" + "ME", "@test", "-Oun"]

    private func bannedWords(in file: SourceFile) -> [String] {
        let typeNames =
            #/\b(?:struct|class|enum|actor|protocol|typealias)\s+(\w*(?:Manager|Helper|Utils)\w*)/#
        let marks = #/\b(?:TO|FIX)(?:DO|ME)\b|@test[a]ble|-Oun[c]hecked/#
        return file.lines.enumerated().compactMap { index, line in
            guard Self.suspects.contains(where: line.contains) else { return nil }
            let place = "\(file.path):\(index + 1)"
            if let match = line.firstMatch(of: typeNames) { return "\(place): a type named \(match.1)" }
            if let match = line.firstMatch(of: marks) { return "\(place): \(match.0) is banned" }
            return nil
        }
    }

    private func lengths(in file: SourceFile) -> [String] {
        var found = file.lines.enumerated().compactMap { index, line in
            line.count > Self.longestLine ? "\(file.path):\(index + 1): \(line.count) characters" : nil
        }
        if file.lines.count > Self.longestFile + 1 { found.append("\(file.path): \(file.lines.count) lines") }
        return found
    }

    /// A function reaches from its signature to the first closing brace at the same indentation.
    private func functions(in file: SourceFile) -> [String] {
        var found: [String] = []
        for (start, line) in file.lines.enumerated() where Self.startsFunction(line, swift: file.isSwift) {
            let indent = line.prefix { $0 == " " }
            let body = file.lines.dropFirst(start + 1)
            let end = body.firstIndex { next in
                next == indent + "}" || (!next.isEmpty && next.prefix { $0 == " " }.count < indent.count)
            }
            guard let end, file.lines[end] == indent + "}", end - start + 1 > Self.longestFunction else {
                continue
            }
            found.append("\(file.path):\(start + 1): a function of \(end - start + 1) lines")
        }
        return found
    }

    private static func startsFunction(_ line: String, swift: Bool) -> Bool {
        guard swift else { return line.hasSuffix("{") && line.contains(#/^[A-Za-z_].*\)\s*\{$/#) }
        guard ["func ", "init", "deinit ", "subscript("].contains(where: line.contains) else { return false }
        return line.contains(#/^\s*(?:[\w@()]+\s+)*(?:func\s|init[?(<]|deinit\s|subscript\()/#)
    }
}
