package import Farm

/// A prompt file, read whole and checked before anything is submitted; then its pictures come one by one.
///
///     let file = try PromptFile(path: "prompts.jsonl", defaults: PromptDefaults(size: 256))
///     var pictures = file.pictures()
///     while let picture = try pictures.next() { … }
package final class PromptFile: Sendable {
    /// The path, or "standard input".
    package let name: String
    /// Pictures that it asks for, with every count multiplied out.
    package let pictureCount: Int
    private let source: PromptSource
    private let format: PromptFormat
    private let defaults: PromptDefaults

    /// Opens the file and checks every line of it.
    ///
    /// - Parameters:
    ///   - path: a file, or `-` for standard input.
    ///   - format: nil: as the file's name ends; standard input is then `.txt`.
    ///   - defaults: what holds where a line says nothing.
    /// - Throws: `PromptFileError`, with file and line.
    package init(path: String, format: PromptFormat? = nil, defaults: PromptDefaults) throws(PromptFileError)
    {
        let known = path == "-" ? .txt : PromptFormat(fileName: path)
        source = try PromptSource(path: path)
        name = source.name
        guard let format = format ?? known else { throw .unknownFormat(file: path) }
        self.format = format
        self.defaults = defaults
        var lines = PromptLineReader(source, format: format)
        var total = 0
        while let line = try lines.next() {
            total += line.count ?? defaults.count
            if total > RequestCheck.images { throw .tooManyImages(file: source.name, line: line.number) }
        }
        if total == 0 { throw .empty(file: source.name) }
        pictureCount = total
    }

    /// The pictures from the first one.
    package func pictures() -> Pictures {
        Pictures(lines: PromptLineReader(source, format: format), defaults: defaults)
    }

    /// The pictures of a prompt file in its order.
    package struct Pictures {
        private var lines: PromptLineReader
        private let defaults: PromptDefaults
        private var line: PromptLine?
        private var copy = 0
        private var index: UInt64 = 0

        init(lines: PromptLineReader, defaults: PromptDefaults) {
            self.lines = lines
            self.defaults = defaults
        }

        /// The next picture, nil after the last.
        ///
        /// Picture k of the job has the seed S + k, where S is the default seed; copy c of a line with a seed
        /// of its own has that seed + c. Sums wrap around.
        ///
        /// - Throws: `PromptFileError` when the file has changed since it was checked.
        package mutating func next() throws(PromptFileError) -> ImageRequest? {
            if let current = line, copy >= current.count ?? defaults.count { line = nil }
            if line == nil {
                line = try lines.next()
                copy = 0
            }
            guard let line else { return nil }
            let seed = line.seed.map { $0 &+ UInt64(copy) } ?? defaults.seed &+ index
            copy += 1
            index += 1
            let steps = (line.steps ?? defaults.steps).map {
                StepOverride(stage: StageName($0.key), steps: $0.value)
            }
            let options = RenderOptions(
                size: line.size ?? defaults.size, steps: steps, guidance: line.guidance ?? defaults.guidance,
                precision: defaults.precision)
            return ImageRequest(prompt: line.prompt, seed: seed, options: options)
        }
    }
}
