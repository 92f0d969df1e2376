import ArgumentParser
import Foundation

/// How many threads the engine computes on.
struct ThreadsOption: ParsableArguments {
    @Option(help: "Threads of the engine; all of the machine's cores when not given.")
    var threads: Int = ProcessInfo.processInfo.activeProcessorCount

    func validate() throws {
        guard (1...256).contains(threads) else {
            throw ValidationError("--threads is \(threads); it must be 1 to 256.")
        }
    }
}
