import DequeModule
import Farm

/// Workers' reports that have been read and not yet taken, in the order in which they came.
struct ReportInbox {
    /// What came in one message of the socket.
    struct Parcel {
        var peer: [UInt8]
        var reports: [WorkerReport]
        var bytes: Int
    }

    /// Parcels, and bytes of them, beyond which the rest stays with the socket, which holds back its senders.
    static let (mostParcels, mostBytes) = (16_384, 64 << 20)

    private var parcels: Deque<Parcel> = []
    private var bytes = 0

    var isEmpty: Bool { parcels.isEmpty }
    var isFull: Bool { parcels.count >= Self.mostParcels || bytes >= Self.mostBytes }

    /// Adds a parcel; one without reports is left out.
    mutating func put(_ parcel: Parcel) {
        guard !parcel.reports.isEmpty else { return }
        bytes += parcel.bytes
        parcels.append(parcel)
    }

    mutating func take() -> Parcel? {
        guard let parcel = parcels.popFirst() else { return nil }
        bytes -= parcel.bytes
        return parcel
    }
}
