import Farm
import Store
import Testing

@Suite struct FarmIdentityTests {
    private func farm(_ folder: TemporaryFolder) throws -> FarmID {
        try JobStore(DataFolder(path: folder.path)).farm()
    }

    @Test func lastsAsLongAsTheDatabase() throws {
        let folder = try TemporaryFolder()
        let first = try farm(folder)
        #expect(first.number != 0)
        #expect(try farm(folder) == first)
    }

    @Test func twoFoldersAreTwoFarms() throws {
        let one = try TemporaryFolder()
        let two = try TemporaryFolder()
        #expect(try farm(one) != farm(two))
    }
}
