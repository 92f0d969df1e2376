import Foundation

/// Rows of text in columns as wide as their widest cell, for people. Programs use `--json`.
struct TextTable {
    private var rows: [[String]]

    /// A table with column titles.
    init(_ titles: String...) { rows = [titles] }

    /// Adds one row; missing cells stay empty. Each cell stays on its line.
    mutating func add(_ cells: String...) {
        rows.append(cells.map(\.onOneLine))
    }

    /// The lines, columns two spaces apart, without trailing blanks.
    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
