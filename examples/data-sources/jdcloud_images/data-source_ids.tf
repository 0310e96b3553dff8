variable "image_ids" {
  type    = set(string)
  default = ["img-ubuntu2204", "img-private"]
}

data "jdcloud_images" "given" {
  ids = var.image_ids
}

output "delisted_image_ids" {
  value = [for image in data.jdcloud_images.given.images : image.image_id if image.offline == true]
}

output "unknown_image_ids" {
  value = data.jdcloud_images.given.missing_ids
}
