import Testing

/// Help and version of the real binary.
struct HelpTests {
    @Test(arguments: [
        ([], "tessera"), (["up"], "tessera up"), (["submit"], "tessera submit"), (["jobs"], "tessera jobs"),
        (["status"], "tessera status"), (["watch"], "tessera watch"), (["workers"], "tessera workers"),
        (["cancel"], "tessera cancel"), (["fetch"], "tessera fetch"), (["render"], "tessera render"),
        (["verify"], "tessera verify"), (["models"], "tessera models"),
        (["models", "synthesize"], "tessera models synthesize"), (["bench"], "tessera bench"),
        (["bench", "dispatch"], "tessera bench dispatch"),
        (["bench", "precision"], "tessera bench precision"), (["keys"], "tessera keys"),
        (["doctor"], "tessera doctor"),
    ])
    func everyCommandExplainsItself(command: [String], usage: String) throws {
        let result = try TesseraProcess(command + ["--help"]).wait()
        #expect(result.status == 0)
        #expect(result.out.contains("USAGE: \(usage)"), "\(result.out)\(result.error)")
        #expect(result.error.isEmpty)
    }

    @Test func versionIsANumber() throws {
        let result = try TesseraProcess.run("--version")
        #expect(result.status == 0)
        #expect(result.out.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil, "\(result.out)")
    }

    @Test func anUnknownCommandIsAWrongUsage() throws {
        let result = try TesseraProcess.run("drwa")
        #expect(result.status == 64)
        #expect(result.error.contains("drwa"))
    }
}
