package import Farm
package import ZeroMQ

/// How a coordinator runs.
package struct CoordinatorConfiguration: Sendable {
    /// Folder of the database and the blobs; made if need be.
    package var dataFolder: String
    /// Where workers and clients connect; blobs travel on the next port. Port 0 lets the system choose both.
    package var listen = "tcp://127.0.0.1:7420"
    /// Keys of the coordinator and of those who may connect; nil: none, on loopback only.
    package var keys: KeyFolder?
    /// The program's version, for people.
    package var build = ""
    /// Heartbeats, leases, retries.
    package var options = CoordinatorOptions()
    /// Milliseconds between looks at the clock.
    package var tickMilliseconds = 200
    /// Milliseconds between tries whether a full disk has space again.
    package var probeMilliseconds: Int64 = 1000
    /// Bytes that must fit on the disk before work goes on.
    package var probeBytes = 4 << 20

    /// The documented defaults on the folder `dataFolder`.
    package init(dataFolder: String) {
        self.dataFolder = dataFolder
    }
}
