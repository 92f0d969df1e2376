import Glibc

/// How many files and connections this process may have open.
enum OpenFileLimit {
    /// What every command gets along with. ZeroMQ and Foundation end the process where they find none left.
    private static let least: rlim_t = 64

    /// Raises it as far as the system lets this user, for each worker takes a connection.
    ///
    /// - Throws: `OperationError` where that is too few.
    static func raise() throws {
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(files, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(files, &limit)
        guard limit.rlim_max >= least else {
            throw OperationError(
                "This process may open \(limit.rlim_max) files and connections, and needs \(least) at least; "
                    + "raise the limit (ulimit -n 1024) and start again.")
        }
    }
}
