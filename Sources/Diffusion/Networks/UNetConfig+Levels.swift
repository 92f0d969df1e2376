/// What a U-Net's levels look like.
extension UNetConfig {
    var timeChannels: Int { channels[0] * 4 }

    /// Height and width of a level's maps.
    func size(level: Int) -> Int { size >> level }

    func hasAttention(level: Int) -> Bool { attention?.levels[level] ?? false }
}
