import Foundation
import Testing

/// Who gets in from another box: a network namespace with a wire to this one, the real binary on both sides.
@Suite(.serialized, .enabled(if: SecondBox.isPermitted, "needs root, iproute2 and network namespaces"))
struct KeysOverNetworkTests {
    private let folder: TemporaryFolder
    private let box: SecondBox
    private let address: String
    private let coordinator: TesseraProcess

    init() throws {
        folder = try TemporaryFolder()
        box = try SecondBox()
        address = "tcp://\(SecondBox.near):\(try TestFarm.freePortPair())"
        let keys = folder.path("keys")
        #expect(try TesseraProcess.run("keys", "init", keys).status == 0)
        for (name, role) in [("box", "worker"), ("ann", "client"), ("eve", "client")] {
            #expect(try TesseraProcess.run("keys", "add", keys, name, "--role", role).status == 0)
        }
        coordinator = try TesseraProcess([
            "coordinator", "--data", folder.path("data"), "--listen", address, "--keys", keys, "--quiet",
        ])
    }

    private func peer(_ name: String) -> String { folder.path("keys/peers/\(name)") }

    /// What `tessera jobs` says on the other box.
    private func jobs(keys: String?, timeout: Double = 1.5) throws -> TesseraProcess.Result {
        try TesseraProcess(
            ["jobs", "--connect", address, "--connect-timeout", "\(timeout)"]
                + (keys.map { ["--keys", $0] } ?? []),
            launcher: box.launcher
        ).wait()
    }

    @Test func onlyTheRightKeyInTheRightRoleIsServed() throws {
        let served = try jobs(keys: peer("ann"), timeout: 20)
        #expect(served.status == 0, "\(served.error)")

        let none = try jobs(keys: nil)
        #expect(none.status == 69)
        #expect(none.error.contains("--keys"))

        #expect(try TesseraProcess.run("keys", "init", folder.path("other")).status == 0)
        let wrong = try jobs(keys: folder.path("other/peers/admin"))
        #expect(wrong.status == 69)
        #expect(wrong.error.contains("does not accept this key"))

        // A stranger that has learnt the coordinator's public key.
        let stranger = folder.path("other/peers/admin/peer.key")
        let coordinatorKey = try line(0, of: peer("ann") + "/peer.key")
        try "\(coordinatorKey)\n\(try line(1, of: stranger))\n".write(
            toFile: stranger, atomically: false, encoding: .utf8)
        #expect(try jobs(keys: folder.path("other/peers/admin")).status == 69)

        #expect(try TesseraProcess.run("keys", "revoke", folder.path("keys"), "eve").status == 0)
        #expect(try jobs(keys: peer("eve")).status == 69)

        let role = try jobs(keys: peer("box"), timeout: 20)
        #expect(role.status == 64)
        #expect(role.error.contains("role worker"))
    }

    @Test func aWorkerOnTheOtherBoxRendersForAClientThere() throws {
        let worker = try TesseraProcess(
            [
                "worker", "--connect", address, "--name", "box", "--threads", "1", "--cache",
                folder.path("box"),
                "--model", Fixtures.model.path(), "--keys", peer("box"), "--quiet",
            ], launcher: box.launcher)
        let out = folder.path("out")
        let submitted = try TesseraProcess(
            [
                "submit", "-", "--size", "64", "--wait", "--out", out, "--connect", address, "--keys",
                peer("ann"),
                "--connect-timeout", "20", "--model", "emoji",
            ], input: Array("a strawberry\n".utf8), launcher: box.launcher
        ).wait()
        #expect(submitted.status == 0, "\(submitted.error)")
        #expect(try ManifestLine.read(out).count == 1)
        _ = try worker.stop()

        // A client's key does not make a worker.
        let client = try TesseraProcess.run(
            "worker", "--connect", address, "--name", "ann", "--threads", "1", "--cache", folder.path("ann"),
            "--model", Fixtures.model.path(), "--keys", peer("ann"), launcher: box.launcher)
        #expect(client.status != 0)
        #expect(client.error.contains("role client"))
    }

    @Test func withoutKeysTheCoordinatorDoesNotListenForOthers() throws {
        let refused = try TesseraProcess.run(
            "coordinator", "--data", folder.path("open"), "--listen", "tcp://\(SecondBox.near):7999")
        #expect(refused.status == 64)
        #expect(refused.error.contains("tessera keys init"))
    }

    private func line(_ number: Int, of file: String) throws -> String {
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        return String(try #require(lines.dropFirst(number).first))
    }
}

/// A network namespace joined to this machine's by a pair of virtual wires; it goes away with the object.
final class SecondBox {
    /// This machine's address on the wire.
    static let near = "10.78.0.1"

    private let name = "tessera-keys-\(getpid())"

    /// What runs a program there.
    var launcher: [String] { ["ip", "netns", "exec", name] }

    /// Whether this user may make one.
    static let isPermitted: Bool = {
        let probe = "tessera-probe-\(getpid())"
        defer { ip("netns", "delete", probe) }
        return ip("netns", "add", probe)
            && ip("-n", probe, "link", "add", "a0", "type", "veth", "peer", "name", "a1")
    }()

    init() throws {
        Self.ip("link", "delete", "tskeys0")
        let steps = [
            ["netns", "add", name],
            ["link", "add", "tskeys0", "type", "veth", "peer", "name", "tskeys1", "netns", name],
            ["address", "add", "\(Self.near)/24", "dev", "tskeys0"], ["link", "set", "tskeys0", "up"],
            ["-n", name, "address", "add", "10.78.0.2/24", "dev", "tskeys1"],
            ["-n", name, "link", "set", "tskeys1", "up"], ["-n", name, "link", "set", "lo", "up"],
        ]
        for step in steps { try #require(Self.run(step), "ip \(step.joined(separator: " ")) failed") }
    }

    deinit { Self.ip("netns", "delete", name) }

    @discardableResult
    private static func ip(_ arguments: String...) -> Bool { run(arguments) }

    private static func run(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["ip"] + arguments
        process.environment = ["PATH": "/usr/sbin:/sbin:/usr/bin:/bin"]
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
