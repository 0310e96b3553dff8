data "jdcloud_images" "ubuntu" {
  image_source = "public"
  platform     = "Ubuntu"
  os_version   = "22.04"
  architecture = "x86_64"
}

output "newest_image_id" {
  value = try(data.jdcloud_images.ubuntu.image_ids[0], null)
}
