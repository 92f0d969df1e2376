/// A finished result that awaits its acknowledgement, and the farm that asked for it.
package struct KeptResult: Hashable, Sendable {
    /// The farm that gave the lease.
    package var farm: FarmID
    /// What is to be reported.
    package var result: TaskResult

    /// `result`, owed to `farm` and to no other.
    package init(farm: FarmID, result: TaskResult) {
        self.farm = farm
        self.result = result
    }
}
