import ArgumentParser
import Store

/// `tessera doctor`.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Checks a coordinator's data folder, and mends it with --repair.",
        discussion: """
            The coordinator must not run meanwhile. Pictures, and what open images still need, are read and \
            compared with their names. What is missing or damaged is computed again once the coordinator \
            runs; files that served and are needed no more are removed; damaged and unknown ones are put \
            into the folder set-aside. Where the database itself is damaged nothing is changed.
            """)

    @Option(help: "The folder.")
    var data: String

    @Flag(help: "Mend what is wrong.")
    var repair = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        var checkup = try Checkup(path: data)
        let findings = try checkup.examine()
        if repair { try checkup.repair() }
        if json { try Output.json(findings) } else { report(findings) }
        let isMended = repair && findings.database.isEmpty
        if !findings.isSound, !isMended { throw ExitStatus.failed.code }
    }

    private func report(_ findings: Findings) {
        print("\(findings.neededBlobs) blobs are needed")
        for path in findings.missing { print("missing    \(path)") }
        for path in findings.damaged { print("damaged    \(path)") }
        for path in findings.unneeded { print("not needed \(path)") }
        for path in findings.unknown { print("unknown    \(path)") }
        for text in findings.database { print("database   \(text)") }
        if !findings.database.isEmpty {
            return print(
                "The database cannot be used as it is, and nothing was changed. Restore \(data)/farm.sqlite "
                    + "from a backup; the pictures in \(data)/blobs stay where they are.")
        }
        if findings.unfinishedUploads > 0 { print("\(findings.unfinishedUploads) uploads have not ended") }
        if findings.isSound { return print("All is well.") }
        print(
            "\(findings.imagesToRepeat) images begin again at an earlier stage; "
                + "\(findings.unneededBytes / 1024) KiB are not needed"
                + (repair ? "; mended." : ". `tessera doctor --repair` mends it."))
        if repair, !(findings.damaged + findings.unknown).isEmpty {
            print("What was damaged or unknown lies in \(data)/set-aside.")
        }
    }
}
