/// The numbers that the coordinator's decisions depend on. Times are in milliseconds.
package struct CoordinatorOptions: Hashable, Sendable {
    /// Between heartbeats, both ways, where workers are few.
    package var heartbeat: Int64 = 1000
    /// Heartbeats that all workers together should send in a second, for each costs as much as a small task;
    /// with more workers the time between two grows, up to a third of `grace`.
    package var beatsPerSecond = 2500
    /// Silence after which a worker is lost and its tasks go elsewhere.
    package var grace: Int64 = 10_000
    /// The same for workers that held leases when the coordinator stopped.
    package var restartGrace: Int64 = 30_000
    /// Time between two turns beyond which the coordinator itself stood still, and judges nobody by it.
    package var longestTurn: Int64 = 2_000
    /// Time without progress after which a lease ends, while the stage's seconds are unknown.
    package var unknownLease: Int64 = 600_000
    /// The same at least, once they are known.
    package var shortestLease: Int64 = 60_000
    /// The same as a multiple of the stage's measured time.
    package var leaseFactor = 4.0
    /// The same at least, while a task's input and weights are loaded.
    package var loadLease: Int64 = 600_000
    /// The same at least, while a result is uploaded.
    package var uploadLease: Int64 = 600_000
    /// Failed attempts of one task after which its image fails.
    package var mostFailures = 3
    /// Lost or stuck workers of one task after which its image fails.
    package var mostLosses = 6
    /// Lost blobs of one image after which it fails.
    package var mostRollbacks = 8
    /// Different images that a worker fails, or is stuck or killed with, running before it is excluded from
    /// that stage of that model.
    package var failuresToExclude = 3
    /// How long it is excluded.
    package var exclusion: Int64 = 300_000
    /// How long a worker that gave other bytes than the committed ones gets none of that stage, unless it
    /// restarts. It ends: the committed bytes may be the wrong ones, and then every sound worker is here.
    package var quarantine: Int64 = 3_600_000
    /// How long a worker that gave a task back gets none; doubles each time until it does one.
    package var declineRest: Int64 = 5_000
    /// Tasks that a worker may queue beyond its slots, where the stage is cheap.
    package var prefetch = 15
    /// Seconds of work that a worker may hold with what it queues.
    package var creditSeconds = 2.0
    /// Seconds of work left at which a worker gets its next task whatever that needs, so that it never waits
    /// for a delivery and an assignment.
    package var leadSeconds = 1.0
    /// Seconds that a task is taken to need while nothing was measured.
    package var assumedSeconds = 2.0
    /// A worker changes models between equally urgent tasks only after it worked for so many times the
    /// seconds of loading.
    package var loadFactor = 4.0
    /// When nothing is ready, a task that took so many times the usual seconds is tried elsewhere too.
    package var tailFactor = 2.0
    /// But not before so many milliseconds.
    package var shortestTail: Int64 = 10_000
    /// Silence after which an unfinished submission is dropped.
    package var draftLife: Int64 = 3_600_000
    /// How long a lost worker stays in the list.
    package var lostWorkerLife: Int64 = 3_600_000
    /// TCP port of the blob socket, announced to workers.
    package var blobPort = 7421
    /// Which farm this is, as its store says; announced to workers. 0 until the shell sets it.
    package var farm = FarmID(0)
    /// Oldest and newest protocol version spoken.
    package var protocolVersions = 1...1

    /// The documented defaults.
    package init() {}

    /// Milliseconds between the heartbeats of a worker that joins when there are `workers`.
    func heartbeat(among workers: Int) -> Int64 {
        max(heartbeat, min(grace / 3, Int64(workers) * 1000 / Int64(max(1, beatsPerSecond))))
    }
}
