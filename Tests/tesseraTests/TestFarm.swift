import Foundation
import Testing

/// A coordinator and workers as real processes on a free port, killed and started again at will.
final class TestFarm {
    private let folder: TemporaryFolder
    let address: String
    private(set) var coordinator: TesseraProcess?
    private(set) var workers: [Int: TesseraProcess] = [:]
    private let coordinatorOptions: [String]

    /// A farm whose data folder is `data`, else a temporary one.
    init(data: String? = nil, coordinatorOptions: [String] = []) throws {
        folder = try TemporaryFolder()
        self.data = data ?? folder.path("data")
        self.coordinatorOptions = coordinatorOptions
        address = "tcp://127.0.0.1:\(try Self.freePortPair())"
    }

    let data: String

    func startCoordinator() throws {
        coordinator = try TesseraProcess(
            ["coordinator", "--data", data, "--listen", address] + coordinatorOptions)
    }

    func startWorker(_ number: Int, threads: Int = 1, options: [String] = []) throws {
        workers[number] = try TesseraProcess(
            [
                "worker", "--connect", address, "--name", "worker-\(number)", "--threads", "\(threads)",
                "--cache", folder.path("worker-\(number)"), "--model", Fixtures.model.path(),
            ] + options)
    }

    func killCoordinator() throws { _ = try coordinator?.stop(SIGKILL) }
    func killWorker(_ number: Int) throws { _ = try workers[number]?.stop(SIGKILL) }

    /// Ends every process in order.
    func stop() throws {
        for worker in workers.values { _ = try worker.stop() }
        _ = try coordinator?.stop()
    }

    /// Runs a client command against this farm.
    func client(_ arguments: String..., input: [UInt8]? = nil) throws -> TesseraProcess.Result {
        try TesseraProcess(arguments + ["--connect", address], input: input).wait()
    }

    /// A port P such that P and P + 1 (for blobs) are free, below those that connections take for themselves.
    static func freePortPair() throws -> Int {
        for _ in 0..<200 {
            let port = Int.random(in: 20_000..<32_000)
            if isFree(port), isFree(port + 1) { return port }
        }
        throw CocoaError(.featureUnsupported)
    }

    private static func isFree(_ port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        } == 0
    }
}

/// One line of manifest.jsonl, as far as tests read it.
struct ManifestLine: Decodable, Hashable {
    let prompt: String
    let seed: UInt64
    let precision: String
    let pixels: String?

    /// The lines of a job's output folder.
    static func read(_ folder: String) throws -> [ManifestLine] {
        let text = try String(contentsOfFile: folder + "/manifest.jsonl", encoding: .utf8)
        return try text.split(separator: "\n").map {
            try JSONDecoder().decode(ManifestLine.self, from: Data($0.utf8))
        }
    }
}
