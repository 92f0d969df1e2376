import Farm

/// One end of a connection.
enum Party: Hashable, Sendable, CustomStringConvertible {
    case coordinator
    case worker(Int)
    case client(Int)

    var description: String {
        switch self {
        case .coordinator: "coordinator"
        case .worker(let index): "worker \(index)"
        case .client(let index): "client \(index)"
        }
    }
}

/// A peer as the coordinator's sockets see it: another after each new connection.
struct Peer: Hashable, Sendable {
    var party: Party
    var connection: Int
}

/// A message on its way.
struct Packet: Sendable {
    var sender: Party
    var receiver: Party
    /// The connection it belongs to, which the party that is not the coordinator opened.
    var connection: Int
    var isBlob: Bool
    var bytes: [UInt8]
}

/// What stands between the parties.
struct Network: Sendable {
    var weather: Weather
    /// Until when nothing passes to or from the coordinator.
    private var blockedUp: [Party: Int64] = [:]
    private var blockedDown: [Party: Int64] = [:]
    /// When the last message between two parties arrives; those behind it are not faster.
    private var lastArrival: [Wire: Int64] = [:]

    private struct Wire: Hashable {
        var sender: Party
        var receiver: Party
        var isBlob: Bool
    }

    init(weather: Weather) { self.weather = weather }

    /// Nothing passes in the given directions until a moment.
    mutating func block(_ party: Party, up: Bool, down: Bool, until moment: Int64) {
        if up { blockedUp[party] = moment }
        if down { blockedDown[party] = moment }
    }

    /// Faults end: all messages pass, in order and soon.
    mutating func heal() {
        weather = Weather()
        blockedUp = [:]
        blockedDown = [:]
    }

    /// When the copies of a message arrive; none when it is lost.
    mutating func arrivals(of packet: Packet, at now: Int64, _ dice: inout Dice) -> [Int64] {
        let isUp = packet.receiver == .coordinator
        let blocked = isUp ? blockedUp[packet.sender] : blockedDown[packet.receiver]
        if let blocked, now < blocked { return [] }
        if weather.loss > 0, dice.chance(weather.loss) { return [] }
        var copies = [now + dice.time(weather.delay)]
        let wire = Wire(sender: packet.sender, receiver: packet.receiver, isBlob: packet.isBlob)
        if weather.reordering > 0, dice.chance(weather.reordering) {
            copies[0] += dice.time(0...3_000)
        } else {
            copies[0] = max(copies[0], lastArrival[wire] ?? 0)
            lastArrival[wire] = copies[0]
        }
        if weather.duplication > 0, dice.chance(weather.duplication) {
            copies.append(copies[0] + dice.time(0...5_000))
        }
        return copies
    }
}
