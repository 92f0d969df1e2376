import ArgumentParser
import ZeroMQ

/// `tessera keys`: who may connect to a coordinator that other machines can reach.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes, lists and revokes the keys of a farm.",
        discussion: """
            tessera keys init keys
            tessera up --listen tcp://0.0.0.0:7420 --keys keys
            tessera keys add keys box-2 --role worker    then copy keys/peers/box-2 to that box, and there:
            tessera worker --connect tcp://HOST:7420 --keys box-2

            Connections are encrypted (CURVE); each key has a role: a worker renders, a client submits and \
            sees to its own jobs, an admin to all.
            """,
        subcommands: [KeysInit.self, KeysAdd.self, KeysList.self, KeysRevoke.self])
}

/// `tessera keys init`.
struct KeysInit: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Makes a coordinator's keys, and two for this machine: local and admin.")

    @Argument(help: "The folder; it is made.")
    var folder: String

    func run() throws {
        let keys = try KeyFolder.make(path: folder)
        try keys.add("local", role: .worker, into: Self.localWorker(in: folder))
        try keys.add("admin", role: .admin, into: Self.admin(in: folder))
        print("The coordinator's key is \(keys.pair.key). It stays in \(folder), which only you can read.")
        print("Commands on this machine take --keys \(Self.admin(in: folder))")
    }

    /// Where the key is that the workers of `tessera up` use.
    static func localWorker(in folder: String) -> String { KeysAdd.place(of: "local", in: folder) }

    /// Where the key is for commands on the coordinator's machine.
    static func admin(in folder: String) -> String { KeysAdd.place(of: "admin", in: folder) }
}

/// `tessera keys add`.
struct KeysAdd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Makes a key for a worker or a person; a running coordinator takes it at once.")

    @OptionGroup var keys: KeysArgument

    @Argument(help: "Its name; a client's is also the owner of its jobs.")
    var name: String

    @Option(help: "What it may do: worker, client or admin.")
    var role: PeerRole

    @Option(help: "Folder for what its holder needs; FOLDER/peers/NAME when not given.")
    var out: String?

    func run() throws {
        let place = out ?? Self.place(of: name, in: keys.folder)
        try KeyFolder(path: keys.folder).add(name, role: role, into: place)
        print(
            "The key of \(role.rawValue) \(name) is in \(place). "
                + "Move that folder to its holder by a safe way."
        )
    }

    static func place(of name: String, in folder: String) -> String { "\(folder)/peers/\(name)" }
}

/// `tessera keys list`.
struct KeysList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the keys that a coordinator accepts.")

    @OptionGroup var keys: KeysArgument

    @Flag(help: "Print JSON.")
    var json = false

    private struct Row: Encodable {
        let name: String
        let role: String
        let key: String
    }

    func run() throws {
        let rows = try KeyFolder(path: keys.folder).entries().map {
            Row(name: $0.name, role: $0.role.rawValue, key: $0.key.text)
        }
        if json { return try Output.json(rows) }
        var table = TextTable("NAME", "ROLE", "KEY")
        for row in rows { table.add(row.name, row.role, row.key) }
        print(table.text)
    }
}

/// `tessera keys revoke`.
struct KeysRevoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Accepts a key no longer; a running coordinator refuses its next message.")

    @OptionGroup var keys: KeysArgument

    @Argument(help: "The key's name.")
    var name: String

    func run() throws { try KeyFolder(path: keys.folder).revoke(name) }
}

/// The coordinator's folder of keys on the command line.
struct KeysArgument: ParsableArguments {
    @Argument(help: "The coordinator's folder of keys.")
    var folder: String
}

extension PeerRole: ExpressibleByArgument {}
