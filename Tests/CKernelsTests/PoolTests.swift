import CKernels
import Testing

struct PoolTests {
    @Test(arguments: [0, -1, 257])
    func refusesOddSizes(threads: Int32) {
        #expect(ck_pool_create(threads) == nil)
    }

    /// Every item runs once, also when threads have gone to sleep between two loops.
    @Test(arguments: [1, 2, 3, 8])
    func runsEachItemOnce(threads: Int32) async throws {
        let pool = try #require(ck_pool_create(threads))
        defer { ck_pool_destroy(pool) }
        #expect(ck_pool_threads(pool) == threads)
        let count = 1000
        let counts = UnsafeMutablePointer<Int32>.allocate(capacity: count)
        defer { counts.deallocate() }
        counts.initialize(repeating: 0, count: count)
        let rounds = 300
        for round in 0..<rounds {
            if round % 100 == 0 { try await Task.sleep(for: .milliseconds(2)) }
            ck_pool_for(
                pool, count, { user, item in user?.assumingMemoryBound(to: Int32.self)[item] += 1 }, counts)
        }
        ck_pool_for(pool, 0, { user, _ in user?.assumingMemoryBound(to: Int32.self)[0] += 1 }, counts)
        #expect((0..<count).allSatisfy { counts[$0] == rounds })
    }

    @Test func portablePathIsAlwaysThere() throws {
        #expect(ck_path_available(CK_PATH_PORTABLE))
        let pool = try #require(ck_pool_create(2))
        defer { ck_pool_destroy(pool) }
        for path in [CK_PATH_PORTABLE, CK_PATH_AVX2, CK_PATH_AVX512] where ck_path_available(path) {
            let context = ck_context(pool: pool, path: path)
            #expect(ck_measure_fma_peak(context, 0.001) > 0)
            #expect(ck_measure_read_bandwidth(context, 0.001) > 0)
        }
    }
}
