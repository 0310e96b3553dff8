data "jdcloud_image_constraints" "web" {
  ids = ["img-ubuntu2204"]
}

output "supported" {
  value = provider::jdcloud::supports_instance_type(
    data.jdcloud_image_constraints.web, "img-ubuntu2204", "g.n2.large"
  )
}
