import Glibc

/// How many files and connections this process may have open.
enum OpenFileLimit {
    /// Raises it as far as the system lets this user, for each worker takes a connection.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
