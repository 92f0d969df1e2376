package import Diffusion
package import Imaging

extension PixelImage {
    /// The picture in the blob of a cascade's image stage (f32 NCHW in −1…1, rounded half to even to 8 bits).
    ///
    /// - Throws: `StageError.badInput` where the blob is no such file.
    package init(stageBlob: [UInt8]) throws(StageError) {
        let picture = try StagePicture(blob: stageBlob)
        guard let image = PixelImage(width: picture.width, height: picture.height, rgb: picture.rgb) else {
            throw .badInput(stage: "picture", reason: "its sides are \(picture.width)×\(picture.height)")
        }
        self = image
    }
}
