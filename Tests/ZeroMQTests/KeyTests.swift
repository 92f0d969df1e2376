import Foundation
import Synchronization
import Testing
import ZeroMQ

@Suite struct KeyTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "keys-\(UUID().uuidString)")
        .path()

    @Test func whatIsMadeCanBeReadAgain() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let made = try KeyFolder.make(path: folder)
        try made.add("box-2", role: .worker, into: folder + "/peers/box-2")
        try made.add("ann", role: .client, into: folder + "/peers/ann")
        let read = try KeyFolder(path: folder)
        #expect(read.pair == made.pair)
        #expect(try read.entries().map(\.name) == ["ann", "box-2"])
        #expect(try read.entries().map(\.role) == [.client, .worker])
        let peer = try PeerKeys(folder: folder + "/peers/ann")
        #expect(peer.pair.key == (try read.entries()[0].key))
        #expect(peer.coordinator == made.pair.key)
        for path in ["", "/authorized", "/peers/ann"] { #expect(try mode(path) == 0o700) }
        for path in ["/coordinator.secret", "/authorized/ann", "/peers/ann/peer.key"] {
            #expect(try mode(path) == 0o600)
        }
        try read.revoke("ann")
        #expect(try read.entries().map(\.name) == ["box-2"])
    }

    @Test func whatDoesNotFitIsRefusedByName() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let keys = try KeyFolder.make(path: folder)
        #expect(throws: KeyError.exists(file: folder + "/coordinator.secret")) {
            try KeyFolder.make(path: folder)
        }
        try keys.add("a", role: .client, into: folder + "/peers/a")
        #expect(throws: KeyError.exists(file: folder + "/authorized/a")) {
            try keys.add("a", role: .client, into: folder + "/peers/other")
        }
        #expect(throws: KeyError.peerExists(folder: folder + "/peers/a")) {
            try keys.add("other", role: .client, into: folder + "/peers/a")
        }
        #expect(throws: KeyError.notAPeer(folder: folder)) { try PeerKeys(folder: folder) }
        for name in ["", "../x", ".hidden", "a b", String(repeating: "x", count: 65)] {
            #expect(throws: KeyError.badName(name: name)) {
                try keys.add(name, role: .client, into: folder + "/peers/b")
            }
        }
        #expect(throws: KeyError.unknown(name: "b")) { try keys.revoke("b") }
        try Data("nonsense\n".utf8).write(to: URL(filePath: folder + "/peers/a/peer.key"))
        #expect(throws: KeyError.damaged(file: folder + "/peers/a/peer.key")) {
            try PeerKeys(folder: folder + "/peers/a")
        }
        chmod(folder + "/coordinator.secret", 0o644)
        #expect(throws: KeyError.notPrivate(file: folder + "/coordinator.secret")) {
            try KeyFolder(path: folder)
        }
    }

    @Test func onlyAllowedKeysGetThroughAndMessagesCarryTheirKey() throws {
        let context = try Context()
        let server = try CurveKeyPair.make()
        let (known, stranger) = (try CurveKeyPair.make(), try CurveKeyPair.make())
        let gate = try PollThread(name: "keys", context: context) { () throws(ZeroMQError) in
            try Gatekeeper(context) { $0 == known.key }
        }
        defer {
            gate.stop()
            gate.join()
        }
        var options = SocketOptions()
        options.curve = .server(server)
        options.lingerMilliseconds = 0
        let router = try Socket(context, .router, options: options)
        try router.bind("tcp://127.0.0.1:*")
        let endpoint = try router.boundEndpoint()
        func dealer(_ side: CurveSide?) throws -> Socket {
            var options = SocketOptions()
            options.curve = side
            options.lingerMilliseconds = 0
            let dealer = try Socket(context, .dealer, options: options)
            try dealer.connect(endpoint)
            return dealer
        }
        let plain = try dealer(nil)
        let wrong = try dealer(.client(stranger, server: server.key))
        let misled = try dealer(.client(known, server: stranger.key))
        let right = try dealer(.client(known, server: server.key))
        try plain.send([[1]])
        try wrong.send([[2]])
        try misled.send([[3]])
        for value in 4..<104 as Range<UInt8> { try right.send([[value]]) }
        for value in 4..<104 as Range<UInt8> {
            try router.waitUntilReadable(milliseconds: 10_000)
            let got = try #require(try router.receiveSigned())
            #expect(got.frames.last == [value])
            #expect(got.key == known.key)
        }
        // The others have had as long as a hundred messages took, and a while more.
        #expect(try router.waitUntilReadable(milliseconds: 300) == false)
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: folder + path)
        return attributes[.posixPermissions] as? Int ?? 0
    }
}
